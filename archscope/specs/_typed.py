"""Values as they are typed on the command line."""

from __future__ import annotations

from collections.abc import Sequence


def flag_of(name: str) -> str:
    """Return the command-line flag of a field or setting, e.g. `--d-model`."""
    return "--" + name.replace("_", "-")


def listed(items: Sequence[object]) -> str:
    """Return a list as it is typed on the command line, e.g. `1,2,4` or `3x5,3`.

    >>> listed(((3, 5), 3))
    '3x5,3'
    """
    return ",".join(map(typed, items))


def repeated(items: Sequence[object], count: int) -> str:
    """Return a list as a title says it: that it goes on and on, where it is shorter than `count`.

    >>> repeated((1, 2, 4), 24), repeated((3,), 24)
    ('1,2,4 repeated', '3')
    """
    return listed(items) + (" repeated" if 1 < len(items) < count else "")


def shown(value: object) -> object:
    """Return a value as an error shows it: a list of one as its item, another as it is typed."""
    if not isinstance(value, tuple):
        return value
    return value[0] if len(value) == 1 else listed(value)


def typed(item: object) -> str:
    """Return an item of a list as it is typed: one for each axis with `x` or `:` between."""
    if not isinstance(item, tuple):
        return str(item)
    return (":" if any(isinstance(one, str) for one in item) else "x").join(map(str, item))


def nearest_divisors(number: int, near: int) -> tuple[int, ...]:
    """Return the divisors of `number` next below and next above `near`, for an error message."""
    below = next((n for n in range(near - 1, 0, -1) if number % n == 0), None)
    above = next((n for n in range(near + 1, number + 1) if number % n == 0), None)
    return tuple(n for n in (below, above) if n is not None)
