"""Rules of the highest of some scores, which a softmax by hand takes off before their exponentials.

Scores that are blocked are not the highest, but where all are.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from archscope.dependence.record.blocked_scores import HIGHEST, one_axis
from archscope.dependence.record.element_moves import ranked
from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import RuleSet, edges, pointwise, targets
from archscope.dependence.rules.mixing import reduction, whole
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    ReduceWhere,
    Reshape,
)

RULES = RuleSet()


@RULES.of(*sorted({*HIGHEST, "argmax"}))
def highest(node: Node, zeros: Zeros) -> list[Edge]:
    """All along an axis but the blocked ones, become one."""
    source = node.arguments.get("self")
    mask = zeros.blocked.masks.get(source) if isinstance(source, Value) else None
    axis = None if mask is None else one_axis(node)
    if not isinstance(source, Value) or mask is None or axis is None:
        return list(reduction(node, zeros))
    kept = ~whole(mask & ~mask.all(axis=axis, keepdims=True), source.shape, axis)
    one = (*source.shape[:axis], 1, *source.shape[axis + 1 :])
    found = []
    for number, target in enumerate(targets(node)):
        dropped = () if target.shape == one else (Reshape(one, target.shape),)
        is_place = number == 1 or node.operator == "argmax"
        read = kept & (kept.sum(axis=axis, keepdims=True) > 1) if is_place else kept
        found += edges(source, (ReduceWhere(axis, read), *dropped), target)
    return found


@RULES.of("maximum")
def higher(node: Node, zeros: Zeros) -> list[Edge]:
    """Either of two at its place, but a score that is blocked where the other is not."""
    (target,), both = targets(node), [node.arguments["self"], node.arguments["other"]]
    plain = pointwise(node, zeros)
    if any(isinstance(one, Tensor) and one.is_meta for one in both):
        return plain
    rank, stays, found = len(target.shape), zeros.blocked.masks.get(target), []
    for edge in plain:
        mask = zeros.blocked.masks.get(edge.source)
        if mask is not None:
            lower = ranked(mask, rank) & ~(np.False_ if stays is None else stays)
            edge = Edge(edge.source, target, (*edge.steps, Keep(~lower)))
        found.append(edge)
    return found
