"""Where elements are zero or blocked that an operator puts beside constants, or over others.

As `scores[mask] = -inf` does: what is known of values and what constants hold is moved alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from archscope.dependence.record.element_moves import MOST_ELEMENTS, MOVING, Mask, alike
from archscope.dependence.record.fact_rules import DATA, MOVED, Facts, facts_of, facts_of_values
from archscope.dependence.record.graph import Node, Value

PLACING = MOVED - MOVING | {"zero"}
"""Operators that it is told of."""
MOST_BEGUN = 1 << 22
"""Elements of a mask of zeros where none were known before: of matrices, not of images."""


def placed(
    node: Node, zero: Mapping[Value, Mask], blocked: Mapping[Value, Mask]
) -> tuple[Mask | None, Mask | None]:
    """Return where an operator's first result is zero, and where it is blocked."""
    output, given = node.outputs[0], node.arguments
    if output is None or prod(output.shape) > MOST_ELEMENTS:
        return None, None
    if any(_values(given[name]) for name in given if name not in DATA):
        return None, None
    facts: dict[int, Facts] = {}

    def put(leaf: Any) -> Any:
        if isinstance(leaf, Value):
            made = torch.empty(leaf.shape, device="meta")
            masks = (_whole(known.get(leaf), leaf) for known in (zero, blocked))
            facts[id(made)] = Facts(zero=next(masks), low=next(masks))
        elif isinstance(leaf, Tensor) and not leaf.is_meta:
            made = leaf.detach().cpu()
            facts[id(made)] = Facts() if isinstance(leaf, nn.Parameter) else facts_of_values(made)
        else:
            return leaf
        return made

    arguments = tree_map(put, dict(given), is_leaf=lambda leaf: isinstance(leaf, Value))
    found = facts_of(node.operator, arguments, lambda one: facts.get(id(one), Facts()))
    zeros, low = (None if mask is None else alike(mask) for mask in (found.zero, found.low))
    begins = not any(value in zero for value in _values(dict(given)))
    return (None if begins and zeros is not None and zeros.size > MOST_BEGUN else zeros), low


def _values(argument: Any) -> list[Value]:
    leaves = tree_leaves(argument, is_leaf=lambda leaf: isinstance(leaf, Value))
    return [leaf for leaf in leaves if isinstance(leaf, Value)]


def _whole(mask: Mask | None, value: Value) -> Tensor | None:
    return None if mask is None else torch.from_numpy(np.broadcast_to(mask, value.shape).copy())
