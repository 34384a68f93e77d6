"""Rules of the highest of some scores, which a softmax by hand takes off before their exponentials.

Scores that are blocked are not the highest, but where all are.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from archscope.dependence.record.element_moves import ranked
from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.zeros import HIGHEST, Zeros, one_axis
from archscope.dependence.rules import RuleSet, edges, pointwise, shape_of, targets
from archscope.dependence.rules.mix import reduction, whole
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Reduce,
    ReduceWhere,
    Reshape,
    Step,
    broadcast,
)

RULES = RuleSet()


@RULES.of(*sorted(HIGHEST))
def highest(node: Node, zeros: Zeros) -> list[Edge]:
    """All along an axis but the blocked ones, become one."""
    source = node.arguments.get("self")
    mask = zeros.blocked.get(source) if isinstance(source, Value) else None
    axis = None if mask is None else one_axis(node)
    if not isinstance(source, Value) or mask is None or axis is None:
        return list(reduction(node, zeros))
    kept = ~whole(mask & ~mask.all(axis=axis, keepdims=True), source.shape, axis)
    one = (*source.shape[:axis], 1, *source.shape[axis + 1 :])
    steps: tuple[Step, ...] = (ReduceWhere(axis, kept),)
    if kept.size == source.shape[axis]:  # of a padded sequence, all that is left of it
        steps = (Keep(kept), Reduce((axis,), (source.shape[axis],)))
    found = []
    for target in targets(node):
        dropped = () if target.shape == one else (Reshape(one, target.shape),)
        found += edges(source, (*steps, *dropped), target)
    return found


@RULES.of("maximum")
def higher(node: Node, zeros: Zeros) -> list[Edge]:
    """Either of two at its place, but a score that is blocked where the other is not."""
    (target,), both = targets(node), [node.arguments["self"], node.arguments["other"]]
    if any(isinstance(one, Tensor) and one.is_meta for one in both):
        return pointwise(node, zeros)
    rank, stays, found = len(target.shape), zeros.blocked.get(target), []
    for source in both:
        mask = zeros.blocked.get(source) if isinstance(source, Value) else None
        kept: tuple[Step, ...] = ()
        if mask is not None:
            lower = ranked(mask, rank) & ~(np.False_ if stays is None else stays)
            kept = (Keep(~lower),)
        found += edges(source, (*broadcast(shape_of(source), target.shape), *kept), target)
    return found
