"""Axes of a tensor: which belong together before and after a reshape; what is alike along one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.sets.algebra import Array

Places = NDArray[np.int64] | None
"""Which entry each position of an axis has; None: entry 0 of one alone, else its own."""
PART = 1 << 16
"""Entries that are worked on at a time: they stay in the processor's cache."""


@lru_cache(maxsize=1024)
def cut(
    before: tuple[int, ...], after: tuple[int, ...]
) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """Cut two shapes of as many elements into the shortest parts of as many elements."""
    found = []
    i = j = 0
    while i < len(before) or j < len(after):
        old, new = list(before[i : i + 1]), list(after[j : j + 1])
        i, j = i + 1, j + 1
        while prod(old) != prod(new):
            if prod(old) < prod(new):
                old.append(before[i])
                i += 1
            else:
                new.append(after[j])
                j += 1
        if i >= len(before):
            new += after[j:]
            j = len(after)
        if j >= len(after):
            old += before[i:]
            i = len(before)
        found.append((tuple(old), tuple(new)))
    return tuple(found)


def merge_axes(entries: NDArray[Any], lengths: Sequence[int]) -> NDArray[Any]:
    """Return entries with so many axes at a time made one."""
    shape, start = [], 0
    for length in lengths:
        shape.append(prod(entries.shape[start : start + length]))
        start += length
    return entries.reshape(shape)


def kinds_of(entries: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first place along the first axis of each kind of entries, and each one's kind."""
    rows = entries.reshape(len(entries), -1)
    if rows.size == len(rows):
        _, first, kinds = np.unique(rows, return_index=True, return_inverse=True)
        return first, kinds.reshape(-1)
    known: dict[bytes, int] = {}  # far less work than to sort rows
    kinds = np.array([known.setdefault(row.tobytes(), len(known)) for row in rows])
    _, first = np.unique(kinds, return_index=True)
    return first, kinds


def by_kinds(
    entries: NDArray[Any],
) -> tuple[NDArray[Any], list[NDArray[np.int64] | None]]:
    """Return entries with each kind along each axis once, and which of these each place has.

    None of an axis along which there is one kind, or each place has its own.
    """
    places: list[NDArray[np.int64] | None] = [None] * entries.ndim
    for axis in range(entries.ndim):
        if bool((entries == entries.take([0], axis=axis)).all()):
            entries = entries.take([0], axis=axis)
            continue
        firsts, kinds = kinds_of(np.moveaxis(entries, axis, 0))
        if len(firsts) < len(kinds):
            entries, places[axis] = entries.take(firsts, axis=axis), kinds
    return entries, places


def numbered(places: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which of the numbers below `count` there are, and for each place which of those it is.

    As `np.unique` does, without sorting.
    """
    are_there = np.zeros(count, dtype=np.bool_)
    are_there[places] = True
    return np.flatnonzero(are_there), (are_there.cumsum() - 1)[places]


def common_classes(
    one: Array, two: Array, axis: int, mine: Places, other: Places
) -> tuple[Places, Places, Places]:
    """Return which entries of two tensors along an axis are of the same positions, and which of
    these each position has; None for entries as they are. What is alike along all of it stays one.
    """
    if two.shape[axis] == 1:
        return None, None, mine
    if one.shape[axis] == 1:
        return None, None, other
    if mine is None or other is None:
        return mine, other, None
    if mine is other or np.array_equal(mine, other):
        return None, None, mine
    pairs = mine * two.shape[axis] + other
    kinds, places = np.unique(pairs, return_inverse=True)
    return *np.divmod(kinds, two.shape[axis]), places


def chosen(entries: Array, along: Sequence[Places]) -> Array:
    """Return entries by number along each axis; None for all of them as they are."""
    for axis, places in enumerate(along):
        entries = entries if places is None else entries.take(places, axis=axis)
    return entries


def united(
    one: Array,
    mine: Sequence[Places],
    two: Array,
    other: Sequence[Places],
    unite: Callable[[Array, Array], Array],
) -> Array:
    """Return what two tensors' chosen entries become together, so many at a time: of large ones no
    copies are made.
    """
    shapes = (
        [_count(a, places) for a, places in zip(each.shape, along, strict=True)]
        for each, along in ((one, mine), (two, other))
    )
    shape = list(map(max, zip(*shapes, strict=True)))
    axis = shape.index(max(shape, default=1)) if shape else 0
    step = max(PART * max(shape, default=1) // max(prod(shape), 1), 1)
    if not shape or shape[axis] <= step:
        return unite(chosen(one, mine), chosen(two, other))
    found = np.empty(shape, one.dtype)
    for first in range(0, shape[axis], step):
        part = slice(first, first + step)
        a, b = _part(one, mine, axis, part), _part(two, other, axis, part)
        found[(slice(None),) * axis + (part,)] = unite(a, b)
    return found


def _count(size: int, places: Places) -> int:
    return size if places is None else len(places)


def _part(entries: Array, along: Sequence[Places], axis: int, part: slice) -> Array:
    """Return some of the chosen entries: those of a part of an axis, unless all of it is alike."""
    own = along[axis]
    if own is not None:
        entries = entries.take(own[part], axis=axis)
    elif entries.shape[axis] > 1:
        entries = entries[(slice(None),) * axis + (part,)]
    return chosen(entries, [None if at == axis else places for at, places in enumerate(along)])
