"""Which elements are exactly zero whatever the input: masked attention sees nothing there.

A mask of -inf, of the number type's lowest number or of -10000 makes weights that are exactly zero
after the softmax; a mask of -100 (Swin) does not, and counts as seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archscope.dependence.graph import Node, Value

BLOCKED = -9_000.0
"""Scores at or below are blocked: exp of such a difference is 0 in float64, which ends at -745."""
Mask = NDArray[np.bool_]
_CARRIED = frozenset(
    ("clone", "_to_copy", "contiguous", "dropout", "native_dropout", "alias", "detach", "lift")
)
_SCALED = frozenset(("mul", "div", "nan_to_num"))
_VIEWS = frozenset(("view", "_unsafe_view", "reshape", "expand", "unsqueeze", "squeeze"))


@dataclass(slots=True)
class Zeros:
    """What is known of each value, by value; masks have size 1 along axes where all are alike."""

    blocked: dict[Value, Mask] = field(default_factory=dict)
    """Scores that a softmax makes zero."""
    zero: dict[Value, Mask] = field(default_factory=dict)
    """Elements that are exactly zero."""

    def learn(self, node: Node) -> None:
        """Take in what a node says about its output."""
        output = node.outputs[0] if node.outputs else None
        if output is None:
            return
        operator, given = node.operator, node.arguments
        source = given.get("self", given.get("input"))
        if operator in ("add", "masked_fill", "where", "sub"):
            _set(self.blocked, output, self._newly_blocked(node, output))
        elif operator in ("_softmax", "_safe_softmax") and isinstance(source, Value):
            mask = self.blocked.get(source)
            if mask is not None:
                self.zero[output] = _usable(mask, given["dim"], len(output.shape))
        elif isinstance(source, Value) and source in {**self.zero, **self.blocked}:
            self._carry(operator, source, output)

    def _carry(self, operator: str, source: Value, output: Value) -> None:
        for known in (self.zero, self.blocked):
            mask = known.get(source)
            if mask is None:
                continue
            if operator in _CARRIED or (operator in _SCALED and known is self.zero):
                known[output] = mask
            elif operator in _VIEWS:
                _set(known, output, _viewed(mask, source.shape, output.shape))

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
        mask = self.blocked.get(argument) if isinstance(argument, Value) else None
        return None if mask is None else _ranked(mask, rank)

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


def _viewed(mask: Mask, before: tuple[int, ...], after: tuple[int, ...]) -> Mask | None:
    """Return a mask for another shape of the same elements, where that is plain to see."""
    if len(after) > len(before) and after[-len(before) :] == before:
        return _ranked(mask, len(after))
    stripped = tuple(size for size in before if size > 1)
    if stripped == tuple(size for size in after if size > 1):
        sizes = iter([m for size, m in zip(before, mask.shape, strict=True) if size > 1])
        return mask.reshape(tuple(next(sizes) if size > 1 else 1 for size in after))
    if len(before) >= 2 and len(after) >= 2 and before[-2:] == after[-2:]:
        if all(size == 1 for size in mask.shape[:-2]):
            return mask.reshape((1,) * (len(after) - 2) + mask.shape[-2:])
        wide = tuple(np.broadcast_shapes(mask.shape[:-2], before[:-2]))
        full = np.broadcast_to(mask, wide + mask.shape[-2:])
        return full.reshape(after[:-2] + mask.shape[-2:])
    return None


def _set(known: dict[Value, Mask], value: Value, mask: Mask | None) -> None:
    if mask is not None and mask.any():
        known[value] = mask
