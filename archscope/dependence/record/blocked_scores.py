"""Which scores are so low, whatever the input, that a softmax makes them exactly zero.

A mask of -inf, of the number type's lowest number or of -10000 makes such scores; a mask of -100
(Swin) does not, and counts as seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from archscope.dependence.record.constant_arguments import (
    blocked_in,
    chosen_of,
    condition_of,
    highest_low,
    number_of,
)
from archscope.dependence.record.element_moves import (
    CARRIED,
    Mask,
    known_of,
    moved,
    ranked,
    union,
)
from archscope.dependence.record.fact_rules import BLOCKED, LOWEST, is_low
from archscope.dependence.record.graph import Node, Value

Low: TypeAlias = tuple[Mask | None, float]
"""Where scores are blocked, and the highest of these."""
HIGHEST = frozenset(("amax", "max", "logsumexp"))
"""Reductions to which scores that are blocked add nothing, where others are there."""
_NONE: Low = (None, BLOCKED)


@dataclass(slots=True)
class BlockedScores:
    """The scores of each value that are blocked."""

    masks: dict[Value, Mask] = field(default_factory=dict)
    """Where they are, by value."""
    depths: dict[Value, float] = field(default_factory=dict)
    """The highest of them, by value; not there: they are about `BLOCKED`."""

    def learn(self, node: Node, output: Value) -> None:
        """Take in what a node says about its output."""
        self.put(output, *self._made(node, output))

    def put(self, output: Value, mask: Mask | None, depth: float) -> None:
        """Take in where a value is blocked, if anywhere."""
        if mask is not None and mask.any():
            self.masks[output] = mask
            self.depths[output] = depth

    def depth_of(self, value: Any) -> float:
        """Return the highest of the blocked scores of a value."""
        return self.depths.get(value, BLOCKED) if isinstance(value, Value) else BLOCKED

    def highest_of(self, given: Mapping[str, Any]) -> float:
        """Return the highest of what is blocked among what an operator moves."""
        leaves = tree_leaves(dict(given), is_leaf=lambda leaf: isinstance(leaf, Value))
        values = [leaf for leaf in leaves if isinstance(leaf, Value)]
        depths = [self.depth_of(value) for value in values if value in self.masks]
        depths += [depth for leaf in leaves if (depth := highest_low(leaf)) is not None]
        return max(depths, default=BLOCKED)

    def _made(self, node: Node, output: Value) -> Low:
        operator, given, rank = node.operator, node.arguments, len(output.shape)
        source = given.get("self", given.get("input"))
        mask = self.masks.get(source) if isinstance(source, Value) else None
        depth = self.depth_of(source)
        match operator:
            case "add" | "baddbmm" | "addmm":
                return self._sum(node, rank)
            case "sub" | "rsub":
                return self._difference(node, rank)
            case "mul" | "div":
                kept = None if mask is None else ranked(mask, rank)
                return _scaled(given["other"], operator, kept, depth)
            case "masked_fill":
                return self._filled(given, rank)
            case "where":
                return chosen_of(given, rank, self.masks, blocked_in), self.highest_of(given)
            case "maximum":
                return self._both(given, rank)
            case "nan_to_num":
                return _numbers(mask, depth, given["neginf"])
            case "_log_softmax" | "log_softmax":
                left = None if mask is None else mask & ~throughout(mask, given["dim"], rank)
                return left, depth
        if operator in HIGHEST and mask is not None:
            return _reduced(node, mask, rank), depth
        if operator in CARRIED and isinstance(source, Value):
            return mask, depth
        low = moved(node, self.masks, is_low, blocked_in(given.get("constant")))
        return low, BLOCKED if low is None else self.highest_of(given)

    def _sum(self, node: Node, rank: int) -> Low:
        given = node.arguments
        parts = [(given["self"], given.get("beta", 1))]
        parts += [(given["other"], given["alpha"])] if node.operator == "add" else []
        return self._added(parts, rank)

    def _difference(self, node: Node, rank: int) -> Low:
        given = node.arguments
        taken, left = ("other", "self") if node.operator == "sub" else ("self", "other")
        mask, depth = self._added([(given[taken], -given["alpha"]), (given[left], 1)], rank)
        # A row that is blocked throughout, less the highest of it, is blocked no more.
        back = known_of(self.masks, given[taken], rank)
        return (mask if mask is None or back is None else mask & ~back), depth

    def _added(self, parts: Sequence[tuple[Any, Any]], rank: int) -> Low:
        """Scores that are added, each after scaling: those far below stay so, unless a constant
        lifts them.
        """
        lows = [self._low(one, scale, rank) for one, scale in parts]
        mask = union([each for each, _ in lows])
        depth = max((depth for each, depth in lows if each is not None), default=BLOCKED)
        for one, scale in parts:
            if mask is not None and (lifted := _lifted(one, scale, depth)) is not None:
                mask = mask & ~ranked(lifted, rank)
        return mask, depth

    def _filled(self, given: Mapping[str, Any], rank: int) -> Low:
        mask, filled = condition_of(given["mask"], rank), given["value"]
        kept, depth = known_of(self.masks, given["self"], rank), self.depth_of(given["self"])
        if is_low(filled):
            highest = number_of(filled)
            return union([mask, kept]), highest if kept is None else max(highest, depth)
        return (None if kept is None or mask is None else kept & ~mask), depth

    def _both(self, given: Mapping[str, Any], rank: int) -> Low:
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

    def _low(self, argument: Any, scale: Any, rank: int) -> Low:
        """Return where scores are blocked that are added after scaling, and the highest of these.

        A single number is no mask.
        """
        if isinstance(argument, Value):
            kept = known_of(self.masks, argument, rank)
            return _scaled(scale, "mul", kept, self.depth_of(argument))
        is_mask = isinstance(argument, Tensor) and not argument.is_meta and argument.numel() > 1
        if not is_mask or not isinstance(scale, int | float):
            return _NONE
        values = argument.detach() if scale == 1 else argument.detach() * scale
        low = values <= BLOCKED
        if not values.dtype.is_signed or not bool(low.any()):
            return _NONE
        return ranked(low.cpu().numpy(), rank), float(values[low].max())


def throughout(mask: Mask, axis: int, rank: int) -> Mask:
    """Return the rows along an axis that are blocked throughout."""
    return np.asarray(mask.all(axis=axis % rank, keepdims=True))


def one_axis(node: Node) -> int | None:
    """Return the axis along which an operator reduces, None where it is not one alone.

    The higher of two tensors reduces none.
    """
    axes, rank = node.arguments.get("dim"), len(node.arguments["self"].shape)
    match [axes] if isinstance(axes, int) else list(axes or ()):
        case [axis] if rank:
            return int(axis % rank)
    return None


def _reduced(node: Node, mask: Mask, rank: int) -> Mask | None:
    """Return where the highest of an axis is blocked, since all along it are."""
    axis = one_axis(node)
    if axis is None:
        return None
    return np.asarray(mask.all(axis=axis, keepdims=rank == len(node.arguments["self"].shape)))


def _numbers(mask: Mask | None, depth: float, neginf: float | None) -> Low:
    """Scores of which -inf becomes a number: the lowest that there is, or a given one."""
    made = LOWEST if neginf is None else neginf
    return (mask, max(depth, made)) if made <= BLOCKED else _NONE


def _scaled(factor: Any, operator: str, kept: Mask | None, depth: float) -> Low:
    """Scores times a number, or divided by it: those far below stay so."""
    by = number_of(factor)
    if kept is None or not by > 0:
        return _NONE
    depth = depth * by if operator == "mul" else depth / by
    return (kept, depth) if depth <= BLOCKED else _NONE


def _lifted(argument: Any, scale: Any, depth: float) -> Mask | None:
    """Return where scores of a depth are blocked no more once a constant is added, scaled."""
    if isinstance(argument, Value) or (isinstance(argument, Tensor) and argument.is_meta):
        return None
    values = torch.as_tensor(argument).detach() * scale
    if values.is_complex():
        return None
    return np.asarray((values + depth > BLOCKED / 2).cpu().numpy())
