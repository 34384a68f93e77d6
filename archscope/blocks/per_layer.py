"""Fields with a value for each layer, or for each axis of it: how they are read. No torch.

A list shorter than the depth begins again and again; an item is for all axes, or has one for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from archscope.errors import SpecError
from archscope.specs import listed, typed

T = TypeVar("T")
MOST_AXES = 3
"""Axes of positions that torch's convolutions have."""


def item(items: Sequence[T], number: int) -> T:
    """Return what a list says of the layer of a number, counted from 0.

    >>> [item((1, 2, 4), number) for number in range(5)]
    [1, 2, 4, 1, 2]
    """
    return items[number % len(items)]


def along(value: Any, axes: int) -> tuple[Any, ...]:
    """Return an item for each axis.

    >>> along(3, 2), along((3, 5), 2)
    ((3, 3), (3, 5))
    """
    return value if isinstance(value, tuple) else (value,) * axes


def axes_of(items: Iterable[Any]) -> int:
    """Return for how many axes items have values; 0 where each has one for all."""
    return max((len(each) for each in items if isinstance(each, tuple)), default=0)


def check_lengths(spec: Any, lists: Mapping[str, str], depth: int) -> None:
    """Raise `SpecError` where a list is empty, or has more items than there are layers.

    `lists` are the fields, and what to call their items.
    """
    for field, noun in lists.items():
        items = getattr(spec, field)
        if items == ():
            raise SpecError(field, "", f"gives no {noun}; give at least one, e.g. 3")
        if items is not None and len(items) > depth:
            problem = f"gives {len(items)} {noun} for {{depth}} {depth}; give {depth} or fewer"
            raise SpecError(field, listed(items), problem)


def require_axes(field: str, items: Iterable[Any], axes: int) -> None:
    """Raise `SpecError` where an item has not one value for each axis, of three at most."""
    for each in items:
        if not isinstance(each, tuple):
            continue
        if len(each) > MOST_AXES:
            problem = f"has {len(each)} numbers in an item; torch has {MOST_AXES} axes at most"
            raise SpecError(field, typed(each), problem)
        if len(each) == axes:
            continue
        hint = ""
        if field == "padding" and len(each) == 2:
            hint = f"; {each[0]}+{each[1]} is {each[0]} before and {each[1]} after"
        problem = (
            f"has numbers for {len(each)} axes, but {{spatial_dims}} is {axes}; give one for all "
            f"or {axes}{hint}"
        )
        raise SpecError(field, typed(each), problem)


def require_one_axis(*, causal: bool, padding: Sequence[Any], axes: int) -> None:
    """Raise `SpecError` where all along every axis is to be causal and there are several.

    It is of what was said: the field `causal`, or a padding of that name.
    """
    if axes == 1 or not (causal or set(padding) == {"causal"}):
        return
    along_first = ":".join(["causal", *["same"] * (axes - 1)])
    problem = (
        f"needs one dimension, but {{spatial_dims}} is {axes}; {{padding}} {along_first} is causal "
        "along the first axis alone"
    )
    if causal:
        raise SpecError("causal", True, problem)
    raise SpecError("padding", listed(padding), problem)


def sides(padding: Any) -> Any:
    """Return a padding as the theory of layers takes it: `6+0` is 6 before and 0 after.

    >>> sides("6+0"), sides("same"), sides(2)
    ((6, 0), 'same', 2)
    """
    if isinstance(padding, str) and "+" in padding:
        before, _, after = padding.partition("+")
        return int(before), int(after)
    return padding
