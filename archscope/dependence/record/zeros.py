"""Which elements are exactly zero whatever the input: masked attention sees nothing there.

A mask of -inf, of the number type's lowest number or of -10000 makes weights that are exactly zero
after the softmax; a mask of -100 (Swin) does not, and counts as seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import torch
from torch import Tensor

from archscope.dependence.record.element_moves import Mask, is_zero, moved, ranked
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
                # Rows that are blocked throughout a softmax spreads evenly.
                throughout = mask.all(axis=given["dim"] % len(output.shape), keepdims=True)
                self.zero[output] = mask & ~throughout
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
            return _kept(self.blocked, given["self"], rank)
        if node.operator == "mul":
            both = (given["self"], given["other"])
            kept = (_kept(self.zero, one, rank) for one in both)
            return _any([*(_holes(one, rank) for one in both), *kept])
        if node.operator == "masked_fill" and is_zero(given["value"]):
            return _any([_read(given["mask"], rank), _kept(self.zero, given["self"], rank)])
        return None

    def _newly_blocked(self, node: Node, output: Value) -> Mask | None:
        given, operator = node.arguments, node.operator
        rank = len(output.shape)
        if operator in ("add", "baddbmm", "addmm"):
            added = [given["self"], *([given["other"]] if operator == "add" else [])]
            kept = (_kept(self.blocked, one, rank) for one in added)
            return _any([*(self._blocks(one, rank) for one in added), *kept])
        if operator == "sub":
            return _kept(self.blocked, given["self"], rank)
        if operator == "masked_fill" and is_low(given["value"]):
            return _any([_read(given["mask"], rank), _kept(self.blocked, given["self"], rank)])
        condition = _read(given.get("condition"), rank)
        if condition is None:
            return None
        if is_low(given["other"]):
            return _any([~condition, _kept(self.blocked, given["self"], rank)])
        if is_low(given["self"]):
            return _any([condition, _kept(self.blocked, given["other"], rank)])
        return None

    @staticmethod
    def _blocks(argument: Any, rank: int) -> Mask | None:
        if not isinstance(argument, Tensor) or argument.is_meta:
            return None
        if not argument.is_floating_point() or argument.numel() < 2:
            return None
        mask = (argument.detach() <= BLOCKED).cpu().numpy()
        return ranked(mask, rank) if mask.any() else None


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
    return ranked(argument.detach().cpu().numpy(), rank)


def _kept(known: dict[Value, Mask], argument: Any, rank: int) -> Mask | None:
    mask = known.get(argument) if isinstance(argument, Value) else None
    return None if mask is None else ranked(mask, rank)


def _any(masks: Sequence[Mask | None]) -> Mask | None:
    known = [mask for mask in masks if mask is not None]
    return reduce(np.logical_or, known) if known else None


def _holes(argument: Any, rank: int) -> Mask | None:
    """Return where a constant is zero, if it is a mask."""
    mask = mask_of(argument) if isinstance(argument, Tensor) else None
    return None if mask is None else ranked(~mask.numpy(), rank)


def _set(known: dict[Value, Mask], value: Value, mask: Mask | None) -> None:
    if mask is not None and mask.any():
        known[value] = mask
