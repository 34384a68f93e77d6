"""Which elements are exactly zero whatever the input: masked attention sees nothing there."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import torch

from archscope.dependence.record.blocked_scores import BlockedScores, throughout
from archscope.dependence.record.constant_arguments import (
    chosen_of,
    condition_of,
    holes_of,
    number_of,
    zero_in,
)
from archscope.dependence.record.element_moves import (
    CARRIED,
    MOST_ELEMENTS,
    MOVING,
    Mask,
    known_of,
    moved,
    ranked,
    union,
)
from archscope.dependence.record.fact_rules import is_zero
from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.matrix_series import SERIES, led_to
from archscope.dependence.record.one_hot import Chosen
from archscope.dependence.record.placed_constants import PLACING, placed
from archscope.dependence.record.prefixes import Prefixes
from archscope.dependence.record.ranges import Ranges
from archscope.dependence.record.softmax_shares import Shares
from archscope.dependence.record.spectra import Spectra
from archscope.dependence.record.unknown_masks import Unread

_POOLS = ("max_pool2d_with_indices", "max_pool3d_with_indices")
_SAME_PLACES = ("squeeze", "unsqueeze", "clone", "detach", "alias", "_to_copy")
_ZERO_STAYS = frozenset(
    (
        *("nan_to_num", "neg", "abs", "relu", "tanh", "sin", "sqrt", "sign", "gelu", "silu"),
        *("leaky_relu", "erf", "pow"),
    )
)
"""Operators that make zero of zero."""
_LOW_BECOMES_ZERO = frozenset(("exp", "sigmoid", "softplus", "relu"))
_SUMS = frozenset(("sum", "mean", "linalg_vector_norm"))
"""Reductions that make zero of zeros alone."""
_FACTORS = frozenset(("mul", "masked_fill", "where", "div", "add", "sub"))
_MOST_PRODUCTS = 1 << 28
"""Products up to which it is followed where a product of two masked matrices is zero."""


@dataclass(slots=True)
class Zeros:
    """What is known of each value, by value; masks have size 1 along axes where all are alike."""

    blocked: BlockedScores = field(default_factory=BlockedScores)
    """Scores that a softmax makes zero."""
    zero: dict[Value, Mask] = field(default_factory=dict)
    """Elements that are exactly zero."""
    unread: Unread = field(default_factory=Unread)
    """Where more may be zero than is known, since a mask was not read."""

    chosen: Chosen = field(default_factory=Chosen)
    """The values that are zero but where data says so."""
    prefixes: Prefixes = field(default_factory=Prefixes)
    """The values that hold sums so far."""
    ranges: Ranges = field(default_factory=Ranges)
    """The values that are bounded, or the same whatever the input."""
    shares: Shares = field(default_factory=Shares)
    """The values that a softmax divided by the sum over its axis."""
    spectra: Spectra = field(default_factory=Spectra)
    """The values between transforms and their inverses."""
    pooled: dict[Value, Node] = field(default_factory=dict)
    """The pool that the places in its input are of, which a value holds."""
    scores: frozenset[Value] = frozenset()
    """The values of which nothing but a softmax is made; see `scores_of`."""
    returned: frozenset[Value] = frozenset()
    """The values that the model returns; see `returned_of`."""
    numbers: bool = True
    """Whether numbers among arguments are constants, and not read of a value by Python."""

    def learn(self, node: Node) -> None:
        """Take in what a node says about its output."""
        output = node.outputs[0] if node.outputs else None
        if output is None:
            return
        self.spectra.learn(node)
        self.prefixes.learn(node, numbers=self.numbers)
        self.ranges.learn(node, numbers=self.numbers)
        self.shares.learn(node)
        self.chosen.learn(node, self.zero)
        self._learn_places(node, output)
        self._learn_masks(node, output)
        if self.ranges.constant(output) == 0:
            self.zero[output] = np.ones((1,) * len(output.shape), dtype=np.bool_)
        lost = self._loses(node, output)
        self.unread.learn(node, lost=lost)

    def infinite(self, value: Value) -> Mask | None:
        """Return where a value is -inf whatever the input, if more than a softmax is made of it."""
        if self.blocked.depths.get(value) != -np.inf or value in self.scores:
            return None
        return self.blocked.masks[value]

    def _learn_masks(self, node: Node, output: Value) -> None:
        operator, given = node.operator, node.arguments
        is_carried = operator in CARRIED and isinstance(given.get("self"), Value)
        if operator in PLACING and operator not in _FACTORS and not is_carried:
            zero, low = placed(node, self.zero, self.blocked.masks)
            self.blocked.put(output, low, self.blocked.highest_of(given))
        else:
            zero = self._made(node, output)
            self.blocked.learn(node, output)
        if zero is not None and zero.any():
            self.zero[output] = zero

    def _made(self, node: Node, output: Value) -> Mask | None:
        """Return where an operator makes zeros."""
        operator, given, rank = node.operator, node.arguments, len(output.shape)
        source = given.get("self", given.get("input", given.get("A")))
        low = self.blocked.masks.get(source) if isinstance(source, Value) else None
        zero = self.zero.get(source) if isinstance(source, Value) else None
        if operator == "nan_to_num" and low is not None:
            is_made = self.blocked.depth_of(source) == -np.inf and given["neginf"] == 0
            return union([zero, low if is_made else None])
        if operator in (*_SUMS, "prod") and zero is not None:
            return _reduced(node, zero, rank)
        if operator in _FACTORS or operator in _LOW_BECOMES_ZERO or operator in _ZERO_STAYS:
            return self._by_elements(node, rank)
        if operator in ("_softmax", "_safe_softmax") and low is not None:
            # Rows that are blocked throughout a softmax spreads evenly; of -inf alone it makes
            # no numbers, a safe one 0: whatever the values are, nothing of them passes.
            spreads = self.blocked.depth_of(source) > -np.inf
            return low & ~throughout(low, given["dim"], rank) if spreads else low
        if operator in CARRIED:
            return zero
        if operator in SERIES:
            mask = self._of(source, rank)
            leads = None if mask is None else led_to(mask, output.shape[-1])
            return None if leads is None else ranked(~leads, rank)
        if operator in ("mm", "bmm"):
            return self._product(given["self"], given["mat2"], rank)
        return moved(node, self.zero, is_zero)

    def _learn_places(self, node: Node, output: Value) -> None:
        """Take in which pool made places in its input, and what only lays these out anew."""
        source = node.arguments.get("self")
        if node.operator in _POOLS:
            _, places = node.outputs
            if places is not None:
                self.pooled[places] = node
        if node.operator in _SAME_PLACES and isinstance(source, Value) and source in self.pooled:
            self.pooled[output] = self.pooled[source]

    def _loses(self, node: Node, output: Value) -> bool:
        """Return whether a mask of what a node moves is too large to be followed."""
        if node.operator not in MOVING or output in self.zero or output in self.blocked.masks:
            return False
        if prod(output.shape) <= MOST_ELEMENTS:
            return False
        leaves = [*node.arguments.values(), *(node.arguments.get("tensors") or ())]
        values = [leaf for leaf in leaves if isinstance(leaf, Value)]
        return any(value in self.zero or value in self.blocked.masks for value in values)

    def _by_elements(self, node: Node, rank: int) -> Mask | None:
        given, operator = node.arguments, node.operator
        source = given.get("self", given.get("input"))
        if operator in _LOW_BECOMES_ZERO:
            low = known_of(self.blocked.masks, source, rank)
            stays = known_of(self.zero, source, rank) if operator in _ZERO_STAYS else None
            return union([low, stays])
        if operator == "pow" and not number_of(given["exponent"]) > 0:
            return None
        if operator in _ZERO_STAYS or operator == "div":
            return known_of(self.zero, source, rank)
        if operator == "mul":
            both = (given["self"], given["other"])
            return union([self._of(factor, rank) for factor in both])
        if operator in ("add", "sub"):
            one, two = self._of(given["self"], rank), self._of(given["other"], rank)
            return None if one is None or two is None else one & two
        if operator == "masked_fill":
            mask, kept = condition_of(given["mask"], rank), known_of(self.zero, given["self"], rank)
            if is_zero(given["value"]):
                return union([mask, kept])
            return None if kept is None or mask is None else kept & ~mask
        return chosen_of(given, rank, self.zero, zero_in)

    def _of(self, argument: Any, rank: int) -> Mask | None:
        """Return where a value or a constant is zero."""
        if isinstance(argument, Value):
            return known_of(self.zero, argument, rank)
        return holes_of(argument, rank)

    def _product(self, one: Any, two: Any, rank: int) -> Mask | None:
        """A product of masked matrices is zero where no pair of factors is not."""
        left, right = self._of(one, rank), self._of(two, rank)
        if left is None or right is None:  # where all that one of them gives is
            axis, known = (-1, left) if right is None else (-2, right)
            return None if known is None else np.asarray(known.all(axis=axis, keepdims=True))
        whole = [
            np.broadcast_to(mask, (*mask.shape[:-2], *factor.shape[-2:]))
            for mask, factor in ((left, one), (right, two))
        ]
        if prod(whole[0].shape) * whole[1].shape[-1] > _MOST_PRODUCTS:
            return None
        ones = [torch.from_numpy((~mask).astype(np.float32)) for mask in whole]
        return np.asarray(torch.matmul(*ones) == 0)


def _reduced(node: Node, mask: Mask, rank: int) -> Mask:
    """Return where a sum of zeros alone is zero, or a product of which a factor is."""
    axes = node.arguments.get("dim")
    axes = [axes] if isinstance(axes, int) else axes or range(mask.ndim)
    reduced = mask.any if node.operator == "prod" else mask.all
    return np.asarray(reduced(axis=tuple(axes), keepdims=rank == mask.ndim))
