"""Values as they are typed on the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any


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
    """Return a value or an item of a list as it is typed: one for each axis with `x` or `:`."""
    if item is None or isinstance(item, bool):
        return str(item).lower()
    if hasattr(item, "word"):
        return written(item)
    if not isinstance(item, tuple):
        return str(item)
    return (":" if any(isinstance(one, str) for one in item) else "x").join(map(str, item))


def written(value: Any) -> str:
    """Return a kind as it is typed: what differs from its defaults, first by place, then by name.

    `_kinds.read` makes an equal one of the text.
    """
    parts = dataclasses.fields(value)
    given = [getattr(value, part.name) for part in parts]
    differs = [item != part.default for item, part in zip(given, parts, strict=True)]
    first = _by_place(given, differs)
    found = [_text(item) for item in given[:first]]
    for part, item, new in list(zip(parts, given, differs, strict=True))[first:]:
        if new:
            found.append(part.name if item is True else f"{part.name}={_text(item)}")
    word: str = value.word
    return word + (":" + "/".join(found) if found else "")


def _by_place(given: Sequence[Any], differs: Sequence[bool]) -> int:
    """Return how many numbers go by place: those before the first that only a name can give."""
    first = 0
    for number, item in enumerate(given):
        rest = given[number + 1 :]
        is_last = all(isinstance(one, bool) for one in rest)
        if item is None or isinstance(item, bool) or (_is_several(item) and not is_last):
            break
        if differs[number]:
            first = number + 1
    return first


def _is_several(item: Any) -> bool:
    return isinstance(item, tuple) and len(item) > 1


def _text(item: Any) -> str:
    if item is False:
        return "no"
    return "/".join(map(typed, item)) if isinstance(item, tuple) else typed(item)


def nearest_divisors(number: int, near: int) -> tuple[int, ...]:
    """Return the divisors of `number` next below and next above `near`, for an error message."""
    below = next((n for n in range(near - 1, 0, -1) if number % n == 0), None)
    above = next((n for n in range(near + 1, number + 1) if number % n == 0), None)
    return tuple(n for n in (below, above) if n is not None)
