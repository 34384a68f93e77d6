"""Searches that ask yes or no and know nothing of networks: an edge, and what a group holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def smallest(answers: Callable[[int], bool], low: int, high: int, *, guess: int) -> int:
    """Return the smallest number of `low` to `high` that answers, given that `high` does.

    Once one answers all larger ones do. With a right guess, two questions are asked.

    >>> smallest(lambda number: number >= 37, 0, 1000, guess=500)
    37
    """
    number = min(max(guess, low), high)
    while low < high:
        if number == high or answers(number):
            high = number
            number = high - 1 if number == guess else (low + high) // 2
        else:
            low = number + 1
            number = (low + high) // 2
        number = min(max(number, low), high)
    return high


def silent(answers: Callable[[Mask], bool], group: Mask, *, questions: int) -> Mask:
    """Return the positions of a group that are in a block that does not answer.

    The group is asked as a whole; a block that answers is halved along all axes, and each part
    asked in turn, until single positions or the number of questions is reached.
    """
    found = np.zeros_like(group)
    blocks = [group] if group.any() else []
    while blocks and questions > 0:
        block = blocks.pop(0)
        questions -= 1
        if not answers(block):
            found |= block
        elif block.sum() > 1:
            blocks += _parts(block)
    return found


def _parts(block: Mask) -> Iterator[Mask]:
    places = np.argwhere(block)
    first, last = places.min(0), places.max(0) + 1
    middle = (first + last) // 2
    sides = [
        [slice(a, m), slice(m, b)] if b - a > 1 else [slice(a, b)]
        for a, m, b in zip(first, middle, last, strict=True)
    ]
    for part in product(*sides):
        mask = np.zeros_like(block)
        mask[part] = block[part]
        if mask.any():
            yield mask


def box(mask: Mask) -> tuple[tuple[int, int], ...]:
    """Return the first and the last position along each axis, of a mask that is not empty."""
    places = np.argwhere(mask)
    pairs = zip(places.min(0).tolist(), places.max(0).tolist(), strict=True)
    return tuple((int(first), int(last)) for first, last in pairs)


def filled(shape: tuple[int, ...], edges: tuple[tuple[int, int], ...]) -> Mask:
    """Return a mask of all positions from the first to the last along each axis."""
    mask = np.zeros(shape, dtype=np.bool_)
    mask[tuple(slice(first, last + 1) for first, last in edges)] = True
    return mask


def rim(shape: tuple[int, ...], axis: int, depth: int, *, last: bool) -> Mask:
    """Return a mask of the first positions along an axis, up to one that deep, or of the last."""
    mask = np.zeros(shape, dtype=np.bool_)
    side = slice(shape[axis] - 1 - depth, None) if last else slice(None, depth + 1)
    mask[tuple(side if axis == own else slice(None) for own in range(len(shape)))] = True
    return mask


def depth(edges: tuple[int, int], size: int, *, last: bool) -> int:
    """Return how deep from its side of an axis the first or the last position lies."""
    return size - 1 - edges[1] if last else edges[0]
