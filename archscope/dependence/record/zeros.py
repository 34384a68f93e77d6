"""Which elements are exactly zero whatever the input: masked attention sees nothing there.

A mask of -inf, of the number type's lowest number or of -10000 makes weights that are exactly zero
after the softmax; a mask of -100 (Swin) does not, and counts as seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from archscope.dependence.record.element_moves import Mask, is_zero, moved
from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.learned import mask_of

BLOCKED = -9_000.0
"""Scores at or below are blocked: exp of such a difference is 0 in float64, which ends at -745."""
_CARRIED = frozenset(
    ("clone", "_to_copy", "contiguous", "dropout", "native_dropout", "alias", "detach", "lift")
)
_POOLS = ("max_pool2d_with_indices", "max_pool3d_with_indices")
_SAME_PLACES = ("squeeze", "unsqueeze", "clone", "detach", "alias", "_to_copy")
_SCALED = frozenset(("div", "nan_to_num"))


@dataclass(slots=True)
class Zeros:
    """What is known of each value, by value; masks have size 1 along axes where all are alike."""

    blocked: dict[Value, Mask] = field(default_factory=dict)
    """Scores that a softmax makes zero."""
    zero: dict[Value, Mask] = field(default_factory=dict)
    """Elements that are exactly zero."""

    pooled: dict[Value, Node] = field(default_factory=dict)
    """The pool that the places in its input are of, which a value holds."""

    def learn(self, node: Node) -> None:
        """Take in what a node says about its output."""
        output = node.outputs[0] if node.outputs else None
        if output is None:
            return
        operator, given = node.operator, node.arguments
        source = given.get("self", given.get("input"))
        if operator in _POOLS and node.outputs[1] is not None:
            self.pooled[node.outputs[1]] = node
        if operator in _SAME_PLACES and isinstance(source, Value) and source in self.pooled:
            self.pooled[output] = self.pooled[source]
        if operator in ("add", "masked_fill", "where", "sub", "baddbmm", "addmm"):
            _set(self.blocked, output, self._newly_blocked(node, output))
        if operator in ("mul", "masked_fill", "where", "exp"):
            _set(self.zero, output, self._newly_zero(node, output))
        elif operator in ("_softmax", "_safe_softmax") and isinstance(source, Value):
            mask = self.blocked.get(source)
            if mask is not None:
                self.zero[output] = _usable(mask, given["dim"], len(output.shape))
        elif operator in _CARRIED and isinstance(source, Value):
            for known in (self.zero, self.blocked):
                _set(known, output, known.get(source))
        elif operator in _SCALED and isinstance(source, Value):
            _set(self.zero, output, self.zero.get(source))
        else:
            _set(self.zero, output, moved(node, self.zero, is_zero))
            _set(self.blocked, output, moved(node, self.blocked, is_low))

    def _newly_zero(self, node: Node, output: Value) -> Mask | None:
        given, rank = node.arguments, len(output.shape)
        if node.operator == "exp":
            return self._kept_of(self.blocked, given["self"], rank)
        if node.operator == "mul":
            found = [
                mask
                for one in (given["self"], given["other"])
                for mask in (_holes(one, rank), self._kept_of(self.zero, one, rank))
                if mask is not None
            ]
            return _any(found)
        before = self._kept_of(self.zero, given.get("self"), rank)
        if node.operator == "masked_fill" and is_zero(given["value"]):
            new = _read(given["mask"], rank)
            return _any([mask for mask in (new, before) if mask is not None])
        return None

    def _kept_of(self, known: dict[Value, Mask], argument: Any, rank: int) -> Mask | None:
        mask = known.get(argument) if isinstance(argument, Value) else None
        return None if mask is None else _ranked(mask, rank)

    def _newly_blocked(self, node: Node, output: Value) -> Mask | None:
        given, operator = node.arguments, node.operator
        rank = len(output.shape)
        if operator == "add":
            found = [
                mask
                for one, other in ((given["self"], given["other"]), (given["other"], given["self"]))
                for mask in (self._blocks(one, rank), self._kept(other, rank))
                if mask is not None
            ]
            return _any(found)
        if operator in ("baddbmm", "addmm"):
            both = (self._blocks(given["self"], rank), self._kept(given["self"], rank))
            return _any([mask for mask in both if mask is not None])
        if operator == "sub":
            return self._kept(given["self"], rank)
        if operator == "masked_fill" and is_low(given["value"]):
            new = _read(given["mask"], rank)
            return _any([m for m in (new, self._kept(given["self"], rank)) if m is not None])
        if operator == "where" and "condition" in given:
            condition = _read(given["condition"], rank)
            if condition is None:
                return None
            if is_low(given["other"]):
                return _any([~condition, *self._listed(given["self"], rank)])
            if is_low(given["self"]):
                return _any([condition, *self._listed(given["other"], rank)])
        return None

    def _listed(self, argument: Any, rank: int) -> list[Mask]:
        mask = self._kept(argument, rank)
        return [] if mask is None else [mask]

    def _kept(self, argument: Any, rank: int) -> Mask | None:
        return self._kept_of(self.blocked, argument, rank)

    @staticmethod
    def _blocks(argument: Any, rank: int) -> Mask | None:
        if not isinstance(argument, Tensor) or argument.is_meta:
            return None
        if not argument.is_floating_point() or argument.numel() < 2:
            return None
        mask = (argument.detach() <= BLOCKED).cpu().numpy()
        return _ranked(mask, rank) if mask.any() else None


def is_low(argument: Any) -> bool:
    """Return whether a score is so low that a softmax makes it exactly zero."""
    if isinstance(argument, Tensor):
        if argument.is_meta or argument.numel() != 1:
            return False
        argument = argument.item()
    return isinstance(argument, int | float) and argument <= BLOCKED


def _read(argument: Any, rank: int) -> Mask | None:
    if not isinstance(argument, Tensor) or argument.is_meta or argument.dtype != torch.bool:
        return None
    return _ranked(argument.detach().cpu().numpy(), rank)


def _ranked(mask: Mask, rank: int) -> Mask:
    return mask.reshape((1,) * (rank - mask.ndim) + mask.shape)


def _any(masks: Sequence[Mask]) -> Mask | None:
    found: Mask | None = None
    for mask in masks:
        found = mask if found is None else found | mask
    return found


def _usable(mask: Mask, dim: int, rank: int) -> Mask:
    """Return the mask less rows that are blocked throughout: there a softmax spreads evenly."""
    return mask & ~mask.all(axis=dim % rank, keepdims=True)


def _holes(argument: Any, rank: int) -> Mask | None:
    """Return where a constant is zero, if it is a mask."""
    mask = mask_of(argument) if isinstance(argument, Tensor) else None
    return None if mask is None else _ranked(~mask.numpy(), rank)


def _set(known: dict[Value, Mask], value: Value, mask: Mask | None) -> None:
    if mask is not None and mask.any():
        known[value] = mask
