"""Sums so far: of which position each element of a value is one, wherever it was moved since.

The difference of two sums of one value is a sum between: what both hold cancels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.recipes import NoDataError
from archscope.dependence.record.replay import replayed

_MOVING = frozenset(
    (
        *("slice", "select", "narrow", "unsqueeze", "squeeze", "view", "_unsafe_view", "reshape"),
        *("expand", "permute", "transpose", "t", "clone", "contiguous", "alias", "detach", "flip"),
        *("roll", "constant_pad_nd", "index_select", "cat", "stack", "split", "unbind", "repeat"),
        *("unsafe_split", "split_with_sizes", "unfold", "diagonal"),
    )
)
_MOVED = _MOVING - {"cat", "stack", "constant_pad_nd", "detach"}
"""Those whose results are made of one value alone; a gradient goes through what is not detached."""
_PRODUCTS = frozenset(("mm", "bmm", "mean", "_softmax"))
"""Others, beside those by elements, that make the same of the same again."""
MOST_NUMBERS = 1 << 22
"""Elements of a value of which each is followed."""
MOST_MOVES = 24
"""Operators that are followed back from a difference."""


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """Elements of which each is a sum so far of one value, or zero."""

    source: Value
    """What is summed."""
    axis: int
    """Along which axis."""
    places: NDArray[np.int64]
    """Up to which element of the source, counted over all, from 1 on; 0: of none."""


@dataclass(slots=True)
class Prefixes:
    """Which node made each value, as far as sums so far may be found in it."""

    made: dict[Value, Node] = field(default_factory=dict)
    _alike: dict[Value, Node] = field(default_factory=dict)
    """The same of all operators that make the same of the same again."""
    _are_one: dict[tuple[Value, Value], bool] = field(default_factory=dict)
    """What was found of two values."""

    def learn(self, node: Node) -> None:
        """Take in a node."""
        moves = node.operator == "sum" or node.operator == "cumsum" or node.operator in _MOVING
        for value in node.outputs if moves or node.pointwise or node.operator in _PRODUCTS else ():
            if value is not None:
                self._alike[value] = node
                if moves:
                    self.made[value] = node

    def of(self, value: Any, left: int = MOST_MOVES) -> Prefix | None:
        """Return of which sums so far the elements of a value are; None: of none that is known."""
        node = self.made.get(value) if isinstance(value, Value) else None
        if node is None or not left or prod(value.shape) > MOST_NUMBERS:
            return None
        source = node.arguments.get("self")
        if node.operator in ("cumsum", "sum"):
            return _summed(node, source, value)
        parts = node.arguments.get("tensors") or [source]
        found = {part: self.of(part, left - 1) for part in parts if isinstance(part, Value)}
        first = next((one for one in found.values()), None)
        if first is None or not all(_alike(first, one) for one in found.values()):
            return None
        if not all(map(_is_nothing, (part for part in parts if isinstance(part, Tensor)))):
            return None
        if node.operator == "constant_pad_nd" and node.arguments["value"]:
            return None
        places = _moved(node, {part: one.places for part, one in found.items() if one}, value)
        return None if places is None else Prefix(first.source, first.axis, places)

    def same(self, one: Value, other: Value, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        """Return where two values, broadcast to a shape, hold one element of one value at a place.

        None where they are not moved from one value, or are too large.
        """
        base = self._moved_from(one)
        if base != self._moved_from(other) or prod(shape) > MOST_NUMBERS:
            return None
        start = np.arange(1, prod(base.shape) + 1).reshape(base.shape)
        places = [self._places(value, base, start) for value in (one, other)]
        if places[0] is None or places[1] is None:
            return None
        return np.asarray(np.broadcast_to(places[0] == places[1], shape))

    def _moved_from(self, value: Value, left: int = MOST_MOVES) -> Value:
        """Return of which value one is alone made, by moving its elements."""
        node = self.made.get(value)
        source = None if node is None else node.arguments.get("self")
        if not left or node is None or node.operator not in _MOVED or not isinstance(source, Value):
            return value
        return self._moved_from(source, left - 1)

    def _places(
        self, value: Value, base: Value, start: NDArray[np.int64]
    ) -> NDArray[np.int64] | None:
        """Return which element of a base each one of a value is; `start` numbers its own."""
        if value == base:
            return start
        node = self.made[value]
        source = node.arguments["self"]
        before = self._places(source, base, start)
        return None if before is None else _moved(node, {source: before}, value)

    def are_one(self, one: Any, other: Any, left: int = MOST_MOVES) -> bool:
        """Return whether two values are one, each made anew: `y[:, -1]` written twice."""
        if one is other or not (isinstance(one, Value) and isinstance(other, Value)):
            return one is other
        if (one, other) not in self._are_one:
            self._are_one[one, other] = self._made_alike(one, other, left)
        return self._are_one[one, other]

    def _made_alike(self, one: Value, other: Value, left: int) -> bool:
        first, second = self._alike.get(one), self._alike.get(other)
        if first is None or second is None or not left:
            return False
        if (first.operator, first.picked) != (second.operator, second.picked):
            return False
        if first.outputs.index(one) != second.outputs.index(other):
            return False
        pairs = ((first.arguments[name], second.arguments.get(name)) for name in first.arguments)
        return len(first.arguments) == len(second.arguments) and all(
            self.are_one(a, b, left - 1)
            if isinstance(a, Value) and isinstance(b, Value)
            else _are_equal(a, b)
            for a, b in pairs
        )


def _are_equal(one: Any, other: Any) -> bool:
    """Return whether two arguments are the same numbers; of tensors that is not asked."""
    told = (
        all(isinstance(part, int) for part in one)
        if isinstance(one, list | tuple)
        else (one is None or isinstance(one, int))
    )
    return told and bool(one == other)


def _alike(one: Prefix, other: Prefix | None) -> bool:
    return other is not None and (one.source, one.axis) == (other.source, other.axis)


def _is_nothing(constant: Tensor) -> bool:
    return not constant.is_meta and not bool(constant.any())


def _summed(node: Node, source: Any, value: Value) -> Prefix | None:
    """Return the sums of one axis: each up to its place, or up to the last."""
    if not isinstance(source, Value) or prod(source.shape) > MOST_NUMBERS:
        return None
    axes = node.arguments.get("dim")
    axes = [axes] if isinstance(axes, int) else list(axes or ())
    if len(axes) != 1 or not source.shape:
        return None
    axis = axes[0] % len(source.shape)
    places = np.arange(1, prod(source.shape) + 1).reshape(source.shape)
    if node.operator == "sum":
        places = places.take([-1], axis)
    return Prefix(source, axis, places.reshape(value.shape))


def _moved(
    node: Node, places: Mapping[Value, NDArray[np.int64]], value: Value
) -> NDArray[np.int64] | None:
    given = {one: torch.from_numpy(numbers.astype(np.float64)) for one, numbers in places.items()}
    try:
        found = replayed([node], given, torch.Generator())[value]
    except (NoDataError, RuntimeError, AttributeError):
        return None
    return found.numpy().astype(np.int64)
