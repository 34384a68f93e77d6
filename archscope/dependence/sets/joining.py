"""Patterns side by side along an axis, as a concatenation makes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archscope.dependence.sets.patterns import Pattern


def joined(parts: Sequence[Pattern], axis: int) -> Pattern:
    """Return patterns side by side along an axis; what is alike in neighbours is stored once."""
    distinct: list[Pattern] = []
    places, numbers = [], {}
    offset = 0
    for part in parts:
        if id(part.entries) not in numbers or part.places[axis] is not None:
            numbers[id(part.entries)] = offset
            distinct.append(part)
            offset += part.entries.shape[axis]
        places.append(part.index(axis) + numbers[id(part.entries)])
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    index = np.concatenate(places)
    own = len(index) == offset and bool((index == np.arange(offset)).all())
    others = [at for at in range(len(shape)) if at != axis]
    flat = [_plain(part, distinct, others) for part in distinct]
    found = Pattern(
        tuple(shape),
        np.concatenate([part.entries for part in flat], axis=axis),
        tuple(
            (None if own else index) if at == axis else flat[0].places[at]
            for at in range(len(shape))
        ),
        tuple(any(part.positional[at] for part in parts) for at in range(len(shape))),
        algebra=parts[0].algebra,
        picked=any(part.picked for part in parts),
        is_part=any(part.is_part for part in parts),
    )
    if all(part.shape[axis] == 1 for part in parts):  # as `stack`: positions picked one by one
        found = found.restored(axis)
    return found if offset > 1 else found.with_axis(axis, shape[axis], found.entries, None)


def _plain(part: Pattern, parts: Sequence[Pattern], axes: Sequence[int]) -> Pattern:
    """Return a pattern with as many entries along some axes as all others have."""
    for axis in axes:
        counts = {one.entries.shape[axis] for one in parts}
        if len(counts) > 1 or any(one.places[axis] is not None for one in parts):
            part = part.with_axis(axis, part.shape[axis], part.expanded(axis), None)
    return part
