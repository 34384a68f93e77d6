"""Axes of a tensor before and after a reshape: which of them belong together."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from numpy.typing import NDArray


def cut(
    before: tuple[int, ...], after: tuple[int, ...]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
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
    return found


def merge_axes(entries: NDArray[Any], lengths: Sequence[int]) -> NDArray[Any]:
    """Return entries with so many axes at a time made one."""
    shape, start = [], 0
    for length in lengths:
        shape.append(prod(entries.shape[start : start + length]))
        start += length
    return entries.reshape(shape)
