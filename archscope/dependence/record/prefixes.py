"""Sums so far: of which position each element of a value is one, wherever it was moved since.

The difference of two sums of one value is a sum between: what both hold cancels. So are those of
four, along two axes (integral images: Viola and Jones 2001), and of a sum and one of its elements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._pytree import tree_leaves

from archscope.dependence.record.graph import Node, Shape, Value
from archscope.dependence.record.recipes import NoDataError
from archscope.dependence.record.replay import replayed, with_numbers

_MOVING = frozenset(
    (
        *("slice", "select", "narrow", "unsqueeze", "squeeze", "view", "_unsafe_view", "reshape"),
        *("expand", "permute", "transpose", "t", "clone", "contiguous", "alias", "detach", "flip"),
        *("roll", "constant_pad_nd", "index_select", "cat", "stack", "split", "unbind", "repeat"),
        *("unsafe_split", "split_with_sizes", "unfold", "diagonal", "index", "gather"),
    )
)
_JOINING = frozenset(("cat", "stack"))
_MOVED = _MOVING - _JOINING - {"constant_pad_nd", "detach"}
"""Those whose results are made of one value alone; a gradient goes through what is not detached."""
_PRODUCTS = frozenset(("mm", "bmm", "mean", "_softmax"))
"""Others, beside those by elements, that make the same of the same again."""
MOST_NUMBERS = 1 << 22
"""Elements of a value of which each is followed."""
MOST_MOVES = 24
"""Operators that are followed back from a difference."""
MOST_TERMS = 8
"""Sums so far that an element is made of."""


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """Elements of which each is made of sums so far of one value, some added, some taken off."""

    source: Value
    """What is summed."""
    axes: tuple[int, ...]
    """Along which axes: one or two; of elements by themselves none."""
    weights: tuple[float, ...]
    """How often each sum is taken; negative: it is taken off."""
    places: tuple[NDArray[np.int64], ...]
    """Of each sum: up to which element of the source, counted over all, from 1 on; 0: of none."""

    def is_of_same(self, other: Prefix) -> bool:
        """Return whether both are made of sums of one value along the same axes."""
        return (self.source, self.axes) == (other.source, other.axes)

    def times(self, weight: float) -> Prefix:
        """Return the same, so often."""
        return replace(self, weights=tuple(weight * own for own in self.weights))

    def along(self, axes: tuple[int, ...]) -> Prefix:
        """Return the same as sums along more axes: each less the one before along these."""
        weights, places = self.weights, self.places
        for axis in axes:
            if axis not in self.axes:
                weights += tuple(-weight for weight in weights)
                places += tuple(_before(one, self.source.shape, axis) for one in places)
        return replace(self, axes=axes, weights=weights, places=places)


@dataclass(slots=True)
class Prefixes:
    """Which node made each value, as far as sums so far may be found in it."""

    made: dict[Value, Node] = field(default_factory=dict)
    _alike: dict[Value, Node] = field(default_factory=dict)
    """The same of all operators that make the same of the same again."""
    _others: set[Value] = field(default_factory=set)
    """Sums and differences that are none of sums so far."""
    _are_one: dict[tuple[Value, Value], bool] = field(default_factory=dict)
    """What was found of two values."""

    def learn(self, node: Node, *, numbers: bool = True) -> None:
        """Take in a node; without `numbers` those that Python hands over may be of a value."""
        moves = node.operator in ("sum", "cumsum") or node.operator in _MOVING
        moves = moves or weights_of(node, numbers=numbers) is not None
        for value in node.outputs if moves or node.pointwise or node.operator in _PRODUCTS else ():
            if value is not None:
                self._alike[value] = node
                if moves:
                    self.made[value] = node

    def of(self, value: Any, left: int = MOST_MOVES) -> Prefix | None:
        """Return of which sums so far the elements of a value are made; None: of none known."""
        node = self.made.get(value) if isinstance(value, Value) else None
        if node is None or not left:
            return None
        if (weights := weights_of(node)) is not None:
            others = value in self._others
            found = None if others else self._added(node, weights, value.shape, left - 1)
            if found is None:
                self._others.add(value)
            return found
        if prod(value.shape) > MOST_NUMBERS:
            return None
        if node.operator in ("cumsum", "sum"):
            return self._summed(node, value, left - 1)
        found_of = {part: self.of(part, left - 1) for part in _parts(node)}
        known = next((one for one in found_of.values() if one is not None), None)
        for part in (part for part, one in found_of.items() if known and not one):
            elements = self._elements(part, known.source, left - 1) if known else None
            found_of[part] = (
                elements and known and _together([elements.along(known.axes)], part.shape)
            )
        return _moved_sums(node, found_of, value)

    def _summed(self, node: Node, value: Value, left: int) -> Prefix | None:
        """Return the sums along an axis: each up to its place, or up to the last.

        Of such sums along another axis, each by itself, those along both.
        """
        source, given = node.arguments.get("self"), node.arguments.get("dim")
        if not isinstance(source, Value) or prod(source.shape) > MOST_NUMBERS or not source.shape:
            return None
        dims = [given] if isinstance(given, int) else list(given or range(len(source.shape)))
        axes = tuple(sorted(axis % len(source.shape) for axis in dims))
        places = _numbers(source.shape)
        before = self.of(source, left)
        if before is not None and before.source.shape == source.shape:
            both = {*before.axes, *axes}
            fits = len(before.axes) + len(axes) == len(both)
            if fits and before.weights == (1.0,) and np.array_equal(before.places[0], places):
                source, axes = before.source, tuple(sorted(both))
        if node.operator == "sum":
            for axis in dims:
                places = places.take([-1], axis)
        return Prefix(source, axes, (1,), (places.reshape(value.shape),))

    def _added(
        self, node: Node, weights: Sequence[float], shape: Shape, left: int
    ) -> Prefix | None:
        """Return what adding sums so far of one value makes, or adding its elements to such."""
        parts = [node.arguments[name] for name, _ in zip(("self", "other"), weights, strict=False)]
        if not all(isinstance(part, Value) for part in parts):
            return None
        found = [self.of(part, left) for part in parts]
        for known in filter(None, found):
            each = [
                one
                if one and one.source == known.source
                else self._elements(part, known.source, left)
                for one, part in zip(found, parts, strict=True)
            ]
            axes = tuple(sorted({axis for one in each if one for axis in one.axes}))
            taken = [
                one.along(axes).times(weight)
                for one, weight in zip(each, weights, strict=True)
                if one
            ]
            if len(taken) == len(parts):
                return _together(taken, shape)
        return None

    def _elements(self, value: Value, source: Value, left: int) -> Prefix | None:
        """Return which elements of a source those of a value are, wherever they were moved.

        A gradient goes through what is not detached.
        """
        if self.are_one(value, source):
            return Prefix(source, (), (1,), (_numbers(source.shape),))
        node = self.made.get(value)
        if node is None or not left:
            return None
        weights = weights_of(node) or ()
        if len(weights) == 1 and (own := self._elements(node.arguments["self"], source, left - 1)):
            return own.times(weights[0])
        if node.operator not in _MOVING - {"detach"}:
            return None
        found = {part: self._elements(part, source, left - 1) for part in _parts(node)}
        return _moved_sums(node, found, value)

    def same(self, one: Value, other: Value, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        """Return where two values, broadcast to a shape, hold one element of one value at a place.

        None where they are not moved from one value, or are too large.
        """
        base = self._moved_from(one)
        if base != self._moved_from(other) or prod(shape) > MOST_NUMBERS:
            return None
        found = [self._elements(value, base, MOST_MOVES) for value in (one, other)]
        if found[0] is None or found[1] is None:
            return None
        return np.asarray(np.broadcast_to(found[0].places[0] == found[1].places[0], shape))

    def _moved_from(self, value: Value, left: int = MOST_MOVES) -> Value:
        """Return of which value one is alone made, by moving its elements."""
        node = self.made.get(value)
        if not left or node is None or node.operator not in _MOVED | _JOINING:
            return value
        if any(isinstance(part, Tensor) for part in node.arguments.get("tensors") or ()):
            return value
        found = {self._moved_from(part, left - 1) for part in dict.fromkeys(_parts(node))}
        return found.pop() if len(found) == 1 else value

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
            _are_equal(a, b) or (isinstance(a, Value) and self.are_one(a, b, left - 1))
            for a, b in pairs
        )


def weights_of(node: Node, *, numbers: bool = True) -> tuple[float, ...] | None:
    """Return how often an operator takes each value that it adds up; None where it does not.

    Without `numbers` those that Python hands over may be of a value.
    """
    given = node.arguments
    alpha, by = given.get("alpha", 1), given.get("other")
    if not isinstance(alpha, int | float) or not (numbers or alpha == 1):
        return None
    match node.operator:
        case "neg":
            return (-1,)
        case "add":
            return 1, alpha
        case "sub":
            return 1, -alpha
        case "rsub":
            return -alpha, 1
        case "mul" | "div" if numbers and isinstance(by, int | float) and 0 < abs(by) < inf:
            return (
                None if given.get("rounding_mode") else (by if node.operator == "mul" else 1 / by,)
            )
    return None


def _are_equal(one: Any, other: Any) -> bool:
    """Return whether two arguments are the same; of tensors that is not asked."""
    leaves = tree_leaves([one, other])
    return not any(isinstance(leaf, Tensor) for leaf in leaves) and bool(one == other)


def _numbers(shape: Shape) -> NDArray[np.int64]:
    return np.arange(1, prod(shape) + 1).reshape(shape)


def _before(places: NDArray[np.int64], shape: Shape, axis: int) -> NDArray[np.int64]:
    """Return the elements before some along an axis; 0: there is none."""
    step = prod(shape[axis + 1 :])
    first = (places - 1) // step % shape[axis] == 0
    return np.where((places == 0) | first, 0, places - step)


def _together(parts: Sequence[Prefix], shape: Shape) -> Prefix | None:
    """Return the sum of some sums, less what cancels; None where too many are left."""
    found: list[tuple[float, NDArray[np.int64]]] = []
    for one in parts:
        for weight, places in zip(one.weights, one.places, strict=True):
            whole = np.broadcast_to(places, shape)
            alike = (n for n, (_, other) in enumerate(found) if np.array_equal(other, whole))
            if (number := next(alike, None)) is not None:
                found[number] = (found[number][0] + weight, whole)
            elif whole.any():
                found.append((weight, whole))
    found = [(weight, places) for weight, places in found if weight]
    if len(found) > MOST_TERMS:
        return None
    weights, places_of = tuple(weight for weight, _ in found), tuple(places for _, places in found)
    return replace(parts[0], weights=weights, places=places_of)


def _parts(node: Node) -> list[Value]:
    """Return the values whose elements a node moves."""
    parts = node.arguments.get("tensors") or [node.arguments.get("self")]
    return [part for part in parts if isinstance(part, Value)]


def _moved_sums(node: Node, found: Mapping[Value, Prefix | None], value: Value) -> Prefix | None:
    """Return sums that are moved, of one value or of several parts beside zeros."""
    first = next(iter(found.values()), None)
    if first is None or not all(
        one and one.is_of_same(first) and one.weights == first.weights for one in found.values()
    ):
        return None
    constants = (p for p in node.arguments.get("tensors") or () if isinstance(p, Tensor))
    if not all(map(_is_nothing, constants)):
        return None
    if node.operator == "constant_pad_nd" and node.arguments["value"]:
        return None
    each = [
        _moved(node, {part: one.places[number] for part, one in found.items() if one}, value)
        for number in range(len(first.weights))
    ]
    places = tuple(one for one in each if one is not None)
    return replace(first, places=places) if len(places) == len(each) else None


def _is_nothing(constant: Tensor) -> bool:
    return not constant.is_meta and not bool(constant.any())


def _moved(
    node: Node, places: Mapping[Value, NDArray[np.int64]], value: Value
) -> NDArray[np.int64] | None:
    given = {one: torch.from_numpy(numbers.astype(np.float64)) for one, numbers in places.items()}
    try:
        found = replayed(with_numbers([node], torch.Generator()), given)[value]
    except (KeyError, NoDataError, RuntimeError, AttributeError):  # the index may be a value
        return None
    return found.numpy().astype(np.int64)
