"""Rule of quotients: by what a softmax divided both sides cancels, as where it is masked after."""

from __future__ import annotations

import numpy as np

from archscope.dependence.record.element_moves import Mask, ranked
from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import RuleSet, edges, pointwise, targets
from archscope.dependence.sets.steps import Edge, Keep, ReduceWhere, Spread

RULES = RuleSet()


@RULES.of("div")
def quotient(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from those at its place; a share of a softmax from the scores that are summed.

    One that is summed alone is one, whatever it is.
    """
    known, (target,) = zeros.shares.quotient(node), targets(node)
    if known is None:
        return pointwise(node, zeros)
    share, summed = known
    axis, size = share.axis, target.shape[share.axis]
    own, kept = _kept(node.arguments["self"], zeros), _kept(summed, zeros)
    alone = kept & (kept.sum(axis=axis, keepdims=True) == 1)
    told = Keep(own & ~alone)
    row = (ReduceWhere(axis, kept), Spread((axis,), (size,)), told)
    return edges(share.scores, (told,), target) + edges(share.scores, row, target)


def _kept(value: Value, zeros: Zeros) -> Mask:
    """Return which elements of a value are not known to be zero."""
    zero = zeros.zero.get(value)
    if zero is None:
        return np.ones(value.shape, dtype=np.bool_)
    return np.broadcast_to(~ranked(zero, len(value.shape)), value.shape)
