"""Axes that become one position of which a mask says what is read, as under a causal softmax."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.sets.links import from_matrix
from archscope.dependence.sets.patterns import Pattern
from archscope.dependence.sets.sets import Sets

Mask = NDArray[np.bool_]


def reduced_where(pattern: Pattern, axis: int, mask: Mask) -> Pattern:
    """Return an axis as one position that holds what all held where `mask` is True."""
    if not pattern.varies(axis):
        any_of_it = np.asarray(mask.any(axis=axis, keepdims=True))
        return pattern.reduced((axis,)).kept(any_of_it)
    match [at for at, size in enumerate(mask.shape) if size > 1]:
        case [_, _] as both if isinstance(pattern.algebra, Sets):  # one of them is the axis
            other = sum(both) - axis
            if not pattern.varies(other):
                return _read_by(pattern, axis, other, mask)
            found = _where_alike(pattern, axis, other, mask)
            if found is not None:
                return found
    return pattern.kept(mask).reduced((axis,))


def _where_alike(pattern: Pattern, axis: int, other: int, mask: Mask) -> Pattern | None:
    """Return the same where positions of another axis hold the same or nothing, as they do where a
    mask was put on what is alike; None where they differ.
    """
    in_order = pattern.places[axis] is None and pattern.places[other] is None
    if pattern.entries.size != prod(mask.shape) or not in_order:
        return None
    held = pattern.entries != 0
    alike = pattern.entries.max(axis=other, keepdims=True)
    if ((pattern.entries != alike) & held).any():
        return None
    found = _read_by(replace(pattern, entries=alike), axis, other, held & mask)
    return replace(found, positional=pattern.positional).without((axis,))


def _read_by(pattern: Pattern, axis: int, other: int, mask: Mask) -> Pattern:
    """Return the same where positions of one other axis alone, else alike, read by a mask."""
    flat = mask.reshape([mask.shape[at] for at in sorted((axis, other))])
    links = from_matrix(flat if other < axis else flat.T)
    moved = pattern.taken(axis, links)  # the other axis stands where this one was
    order = list(range(len(pattern.shape)))
    order[axis], order[other] = other, axis
    positional = [
        pattern.positional[axis] if at == other else is_so and at != axis
        for at, is_so in enumerate(pattern.positional)
    ]
    return replace(
        pattern,
        shape=tuple(1 if at == axis else size for at, size in enumerate(pattern.shape)),
        entries=moved.entries.transpose(order),
        places=tuple(None if at in (axis, other) else p for at, p in enumerate(pattern.places)),
        positional=tuple(positional),
    )
