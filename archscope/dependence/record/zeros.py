"""Which elements are exactly zero whatever the input: masked attention sees nothing there.

A mask of -inf, of the number type's lowest number or of -10000 makes weights that are exactly zero
after the softmax; a mask of -100 (Swin) does not, and counts as seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from archscope.dependence.record.constant_arguments import (
    blocked_in,
    condition_of,
    highest_low,
    holes_of,
    number_of,
    zero_in,
)
from archscope.dependence.record.element_moves import MOST_ELEMENTS, MOVING, Mask, moved, ranked
from archscope.dependence.record.fact_rules import BLOCKED, LOWEST, is_low, is_zero
from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.matrix_series import SERIES, led_to
from archscope.dependence.record.one_hot import Chosen
from archscope.dependence.record.placed_constants import PLACING, placed
from archscope.dependence.record.prefixes import Prefixes
from archscope.dependence.record.ranges import Ranges
from archscope.dependence.record.softmax_shares import Shares
from archscope.dependence.record.spectra import Spectra
from archscope.dependence.record.unknown_masks import Unread

_CARRIED = frozenset(
    ("clone", "_to_copy", "contiguous", "dropout", "native_dropout", "alias", "detach", "lift")
)
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
HIGHEST = frozenset(("amax", "max", "logsumexp"))
"""Reductions to which scores that are blocked add nothing, where others are there."""
_MOST_PRODUCTS = 1 << 28
"""Products up to which it is followed where a product of two masked matrices is zero."""


@dataclass(slots=True)
class Zeros:
    """What is known of each value, by value; masks have size 1 along axes where all are alike."""

    blocked: dict[Value, Mask] = field(default_factory=dict)
    """Scores that a softmax makes zero."""
    depth: dict[Value, float] = field(default_factory=dict)
    """The highest of the blocked scores of a value; not there: they are about `BLOCKED`."""
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
        self._learn(node, output)
        if self.ranges.constant(output) == 0:
            self.zero[output] = np.ones((1,) * len(output.shape), dtype=np.bool_)
        lost = self._loses(node, output)
        self.unread.learn(node, lost=lost)

    def infinite(self, value: Value) -> Mask | None:
        """Return where a value is -inf whatever the input, if more than a softmax is made of it."""
        if self.depth.get(value) != -np.inf or value in self.scores:
            return None
        return self.blocked[value]

    def _learn(self, node: Node, output: Value) -> None:
        operator, given = node.operator, node.arguments
        source = given.get("self", given.get("input", given.get("A")))
        if operator in _POOLS:
            _, places = node.outputs
            if places is not None:
                self.pooled[places] = node
        if operator in _SAME_PLACES and isinstance(source, Value) and source in self.pooled:
            self.pooled[output] = self.pooled[source]
        if operator in _SCORES:
            self._block(output, *self._newly_blocked(node, output))
        if operator == "nan_to_num" and source in self.blocked:
            self._make_numbers(node, output)
        elif operator in HIGHEST and isinstance(source, Value) and source in self.blocked:
            self._block(output, self._blocked_throughout(node, output), self._depth(source))
        elif operator in (*_SUMS, "prod") and isinstance(source, Value) and source in self.zero:
            _set(self.zero, output, self._reduced_to_zero(node, output))
        elif operator == "maximum":
            self._block(output, *self._both_blocked(given, len(output.shape)))
        elif operator in _FACTORS or operator in _LOW_BECOMES_ZERO or operator in _ZERO_STAYS:
            _set(self.zero, output, self._newly_zero(node, output))
        elif operator in ("_softmax", "_safe_softmax") and isinstance(source, Value):
            mask = self.blocked.get(source)
            if mask is not None:
                # Rows that are blocked throughout a softmax spreads evenly; of -inf alone it makes
                # no numbers, a safe one 0: whatever the values are, nothing of them passes.
                throughout = mask.all(axis=given["dim"] % len(output.shape), keepdims=True)
                spreads = self._depth(source) > -np.inf
                _set(self.zero, output, mask & ~throughout if spreads else mask)
        elif operator in ("_log_softmax", "log_softmax") and source in self.blocked:
            mask = self.blocked[source]
            throughout = mask.all(axis=given["dim"] % len(output.shape), keepdims=True)
            self._block(output, mask & ~throughout, self._depth(source))
        elif operator in _CARRIED and isinstance(source, Value):
            _set(self.zero, output, self.zero.get(source))
            self._block(output, self.blocked.get(source), self._depth(source))
        elif operator in SERIES:
            mask = self._of(source, len(output.shape))
            leads = None if mask is None else led_to(mask, output.shape[-1])
            _set(self.zero, output, None if leads is None else ranked(~leads, len(output.shape)))
        elif operator in ("mm", "bmm"):
            _set(self.zero, output, self._product(given["self"], given["mat2"], len(output.shape)))
        elif operator in PLACING:
            zero, low = placed(node, self.zero, self.blocked)
            _set(self.zero, output, zero)
            self._block(output, low, self._deepest(given))
        elif operator not in _SCORES:
            _set(self.zero, output, moved(node, self.zero, is_zero))
            low = moved(node, self.blocked, is_low, blocked_in(given.get("constant")))
            self._block(output, low, self._deepest(given))

    def _make_numbers(self, node: Node, output: Value) -> None:
        """Take in that -inf becomes a number: the lowest that there is, or a given one."""
        source, given = node.arguments["self"], node.arguments["neginf"]
        mask, depth = self.blocked[source], self.depth[source]
        made = LOWEST if given is None else given
        if made <= BLOCKED:
            self._block(output, mask, max(depth, made))
        emptied = mask if depth == -np.inf and made == 0 else None
        _set(self.zero, output, _any([self.zero.get(source), emptied]))

    def _blocked_throughout(self, node: Node, output: Value) -> Mask | None:
        """Return where the highest of an axis is blocked, since all along it are."""
        source, axis = node.arguments["self"], one_axis(node)
        if axis is None:
            return None
        keeps = len(output.shape) == len(source.shape)
        return np.asarray(self.blocked[source].all(axis=axis, keepdims=keeps))

    def _reduced_to_zero(self, node: Node, output: Value) -> Mask:
        """Return where a sum of zeros alone is zero, or a product of which a factor is."""
        mask, axes = self.zero[node.arguments["self"]], node.arguments.get("dim")
        axes = [axes] if isinstance(axes, int) else axes or range(mask.ndim)
        keeps = len(output.shape) == mask.ndim
        reduced = mask.any if node.operator == "prod" else mask.all
        return np.asarray(reduced(axis=tuple(axes), keepdims=keeps))

    def _both_blocked(self, given: Any, rank: int) -> tuple[Mask | None, float]:
        """Return where both of two are blocked, so that the higher is."""
        masks, depths = [], []
        for one in (given["self"], given["other"]):
            mask, depth = self._low(one, 1, rank)
            if mask is None and is_low(one):
                mask, depth = np.ones((1,) * rank, dtype=np.bool_), BLOCKED
            masks.append(mask)
            depths.append(depth)
        one, two = masks
        return (None if one is None or two is None else one & two), max(depths)

    def _loses(self, node: Node, output: Value) -> bool:
        """Return whether a mask of what a node moves is too large to be followed."""
        if node.operator not in MOVING or output in self.zero or output in self.blocked:
            return False
        if prod(output.shape) <= MOST_ELEMENTS:
            return False
        leaves = [*node.arguments.values(), *(node.arguments.get("tensors") or ())]
        values = [leaf for leaf in leaves if isinstance(leaf, Value)]
        return any(value in self.zero or value in self.blocked for value in values)

    def _block(self, output: Value, mask: Mask | None, depth: float) -> None:
        if mask is not None and mask.any():
            self.blocked[output] = mask
            self.depth[output] = depth

    def _depth(self, value: Any) -> float:
        return self.depth.get(value, BLOCKED) if isinstance(value, Value) else BLOCKED

    def _deepest(self, given: Any) -> float:
        """Return the highest of what is blocked among what an operator moves."""
        leaves = tree_leaves(dict(given), is_leaf=lambda leaf: isinstance(leaf, Value))
        values = [leaf for leaf in leaves if isinstance(leaf, Value)]
        depths = [self._depth(value) for value in values if value in self.blocked]
        depths += [depth for leaf in leaves if (depth := highest_low(leaf)) is not None]
        return max(depths, default=BLOCKED)

    def _newly_zero(self, node: Node, output: Value) -> Mask | None:
        given, rank, operator = node.arguments, len(output.shape), node.operator
        source = given.get("self", given.get("input"))
        if operator in _LOW_BECOMES_ZERO:
            low = _kept(self.blocked, source, rank)
            stays = _kept(self.zero, source, rank) if operator in _ZERO_STAYS else None
            return _any([low, stays])
        if operator == "pow" and not number_of(given["exponent"]) > 0:
            return None
        if operator in _ZERO_STAYS or operator == "div":
            return _kept(self.zero, source, rank)
        if operator == "mul":
            both = (given["self"], given["other"])
            return _any([self._of(factor, rank) for factor in both])
        if operator in ("add", "sub"):
            one, two = self._of(given["self"], rank), self._of(given["other"], rank)
            return None if one is None or two is None else one & two
        if operator == "masked_fill":
            mask, kept = condition_of(given["mask"], rank), _kept(self.zero, given["self"], rank)
            if is_zero(given["value"]):
                return _any([mask, kept])
            return None if kept is None or mask is None else kept & ~mask
        return self._chosen(given, rank, self.zero, zero_in)

    def _newly_blocked(self, node: Node, output: Value) -> tuple[Mask | None, float]:
        given, operator = node.arguments, node.operator
        rank = len(output.shape)
        depth = self._depth(given.get("self"))
        kept = _kept(self.blocked, given.get("self"), rank)
        if operator in ("add", "baddbmm", "addmm"):
            parts = [(given["self"], given.get("beta", 1))]
            parts += [(given["other"], given["alpha"])] if operator == "add" else []
            return self._added(parts, rank)
        if operator in ("sub", "rsub"):
            taken, left = ("other", "self") if operator == "sub" else ("self", "other")
            mask, depth = self._added([(given[taken], -given["alpha"]), (given[left], 1)], rank)
            # A row that is blocked throughout, less the highest of it, is blocked no more.
            back = _kept(self.blocked, given[taken], rank)
            return (mask if mask is None or back is None else mask & ~back), depth
        if operator in ("mul", "div"):
            return self._scaled(given, operator, kept, depth)
        if operator == "masked_fill":
            mask = condition_of(given["mask"], rank)
            if is_low(given["value"]):
                filled = number_of(given["value"])
                return _any([mask, kept]), filled if kept is None else max(filled, depth)
            return (None if kept is None or mask is None else kept & ~mask), depth
        return self._chosen(given, rank, self.blocked, blocked_in), self._deepest(given)

    def _added(self, parts: Sequence[tuple[Any, Any]], rank: int) -> tuple[Mask | None, float]:
        """Scores that are added, each after scaling: those far below stay so, unless a constant
        lifts them.
        """
        mask, depth = _lowest([self._low(one, scale, rank) for one, scale in parts])
        for one, scale in parts:
            if mask is not None and (lifted := _lifted(one, scale, depth)) is not None:
                mask = mask & ~ranked(lifted, rank)
        return mask, depth

    @staticmethod
    def _scaled(
        given: Any, operator: str, kept: Mask | None, depth: float
    ) -> tuple[Mask | None, float]:
        """Scores times a number: those far below stay so."""
        by = number_of(given["other"])
        if kept is None or not by > 0:
            return None, BLOCKED
        depth = depth * by if operator == "mul" else depth / by
        return (kept, depth) if depth <= BLOCKED else (None, BLOCKED)

    def _chosen(
        self,
        given: Any,
        rank: int,
        known: dict[Value, Mask],
        told: Callable[[Any], Mask | None],
    ) -> Mask | None:
        """What a constant condition takes from either side, of which `told` knows constants."""
        condition = condition_of(given.get("condition"), rank)
        if condition is None:
            return None
        sides = []
        for name, taken in (("self", condition), ("other", ~condition)):
            side = given[name]
            mask = known.get(side) if isinstance(side, Value) else told(side)
            sides.append(None if mask is None else taken & ranked(mask, rank))
        return _any(sides)

    def _of(self, argument: Any, rank: int) -> Mask | None:
        """Return where a value or a constant is zero."""
        if isinstance(argument, Value):
            return _kept(self.zero, argument, rank)
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

    def _low(self, argument: Any, scale: Any, rank: int) -> tuple[Mask | None, float]:
        """Return where scores are blocked that are added after scaling, and the highest of these.

        A single number is no mask.
        """
        if isinstance(argument, Value):
            given, mask = {"other": scale}, _kept(self.blocked, argument, rank)
            return self._scaled(given, "mul", mask, self._depth(argument))
        is_mask = isinstance(argument, Tensor) and not argument.is_meta and argument.numel() > 1
        if not is_mask or not isinstance(scale, int | float):
            return None, BLOCKED
        values = argument.detach() * scale
        low = values <= BLOCKED
        if not values.dtype.is_signed or not bool(low.any()):
            return None, BLOCKED
        return ranked(low.cpu().numpy(), rank), float(values[low].max())


_FACTORS = frozenset(("mul", "masked_fill", "where", "div", "add", "sub"))
_SCORES = frozenset(
    ("add", "masked_fill", "where", "sub", "rsub", "baddbmm", "addmm", "mul", "div")
)


def one_axis(node: Node) -> int | None:
    """Return the axis along which an operator reduces, None where it is not one alone.

    The higher of two tensors reduces none.
    """
    axes, rank = node.arguments.get("dim"), len(node.arguments["self"].shape)
    match [axes] if isinstance(axes, int) else list(axes or ()):
        case [axis] if rank:
            return int(axis % rank)
    return None


def _lifted(argument: Any, scale: Any, depth: float) -> Mask | None:
    """Return where scores of a depth are blocked no more once a constant is added, scaled."""
    if isinstance(argument, Value) or (isinstance(argument, Tensor) and argument.is_meta):
        return None
    values = torch.as_tensor(argument).detach() * scale
    if values.is_complex():
        return None
    return np.asarray((values + depth > BLOCKED / 2).cpu().numpy())


def _lowest(parts: Sequence[tuple[Mask | None, float]]) -> tuple[Mask | None, float]:
    """Return where any part is blocked, and the highest score there."""
    depths = [depth for mask, depth in parts if mask is not None]
    return _any([mask for mask, _ in parts]), max(depths, default=BLOCKED)


def _kept(known: dict[Value, Mask], argument: Any, rank: int) -> Mask | None:
    mask = known.get(argument) if isinstance(argument, Value) else None
    return None if mask is None else ranked(mask, rank)


def _any(masks: Sequence[Mask | None]) -> Mask | None:
    known = [mask for mask in masks if mask is not None]
    return reduce(np.logical_or, known) if known else None


def _set(known: dict[Value, Mask], value: Value, mask: Mask | None) -> None:
    if mask is not None and mask.any():
        known[value] = mask
