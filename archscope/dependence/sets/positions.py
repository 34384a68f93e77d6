"""Along which axes of an input positions lie, where the user does not say: all but batch, features.

The axis of features is the one that the first layer mixes. Where that leaves axes along which no
position looks at another, the guess was wrong: torch's recurrent and transformer layers take
sequences before batches, if not told otherwise.
"""

from __future__ import annotations

from archscope.dependence.answer.forward import look
from archscope.dependence.record.graph import Value
from archscope.dependence.rules import Lowered
from archscope.dependence.sets.steps import Mix, Reduce, applied

FIRST_NODES = 16
"""Nodes in which the first layer must be, for the axis of features to be known from it."""


def guessed(lowered: tuple[Lowered, ...], seed: Value) -> list[tuple[int, ...]]:
    """Return the axes of positions, and what they may be instead, should none look at others.

    Where the first layer does not tell, (N, C, *positions) for four axes and more, and
    (N, positions, C) for three, unless one axis beside the batch has size 1.
    """
    rank = len(seed.shape)
    features, is_conv = _first_mixed(lowered[:FIRST_NODES], seed)
    if rank < 3:
        order = range(rank) if is_conv and features == 1 else reversed(range(rank))
        return [(axis,) for axis in order] or [()]
    if features == 0:  # an image or a signal without a batch
        return [tuple(range(1, rank))]
    known = features
    if features is None:
        ones = [axis for axis in range(1, rank) if seed.shape[axis] == 1]
        features = ones[0] if len(ones) == 1 else (1 if rank > 3 else 2)
    found = [tuple(axis for axis in range(1, rank) if axis != features)]
    if rank == 3:
        mixes_positions = known == 1 and not is_conv  # or tokens, by a transposed linear layer
        others = [2, 0] if known is None else [0, 1] if mixes_positions else [0]
        found += [(axis,) for axis in others if (axis,) not in found]
    return found


def _first_mixed(lowered: tuple[Lowered, ...], seed: Value) -> tuple[int | None, bool]:
    """Return the axis that is mixed first, and whether a convolution does it."""
    values = [value for each in lowered for value in each.node.outputs if value is not None]
    seen = look(lowered, seed, tuple(range(len(seed.shape))), values).seen
    for each in lowered:
        for edge in each.edges:
            before = seen.get(edge.source)
            if before is None:
                continue
            patterns = list(before.total[0].sets)
            for step in edge.steps:
                axes = step.axes if isinstance(step, Reduce) else ()
                if isinstance(step, Mix) and step.groups < step.reads:
                    axes = (step.axis,)
                mixed = [n for n, p in enumerate(patterns) if set(axes) & set(p.units)]
                if len(mixed) == 1:
                    return mixed[0], "conv" in each.node.operator
                if mixed:
                    return None, False
                patterns = [applied(step, pattern) for pattern in patterns]
    return None, False
