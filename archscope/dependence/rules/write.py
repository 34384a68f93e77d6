"""Rules of operators that write elements by number: exact where the numbers are constants.

Where they are not, an element may come from anywhere along the axis, and the rule is a bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.record.graph import Node, Shape, Value, View
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    constant,
    edges,
    from_all,
    shape_of,
    targets,
)
from archscope.dependence.rules.views import LARGEST_FLAT, picked
from archscope.dependence.sets.links import gather
from archscope.dependence.sets.steps import Edge, Keep, Reshape, Step, Take, across, everything

RULES = RuleSet()

Numbers = NDArray[np.int64]


@RULES.of("index_add", "index_copy", "index_fill", "index_reduce")
def along(node: Node, zeros: Zeros) -> list[Edge]:
    """Slices of one axis, written by number."""
    given, (target,) = node.arguments, targets(node)
    shape = target.shape
    axis = given["dim"] % len(shape)
    source = given.get("source", given.get("value"))
    numbers = constant(given["index"]).reshape(-1).numpy() % shape[axis]
    adds = node.operator in ("index_add", "index_reduce") and given.get("include_self", True)
    found = edges(given["self"], () if adds else (_besides(shape, axis, numbers),), target)
    if node.operator == "index_fill":
        return found + from_all(source, target)
    return found + edges(source, (Take(axis, gather(shape[axis], numbers).transposed),), target)


def _besides(shape: Shape, axis: int, numbers: Numbers) -> Keep:
    """Return the step that forgets the slices with some numbers."""
    kept = np.ones(shape[axis], dtype=np.bool_)
    kept[numbers] = False
    return Keep(kept.reshape([-1 if at == axis else 1 for at in range(len(shape))]))


@RULES.of("scatter", "scatter_add", "scatter_reduce")
def scatter(node: Node, zeros: Zeros) -> list[Edge]:
    """Elements along one axis, each written by a number of its own."""
    given, (target,) = node.arguments, targets(node)
    shape = target.shape
    axis = given["dim"] % len(shape)
    source, index = given.get("src"), given["index"]
    if isinstance(index, Value):
        raise DataDependentError(_anywhere(node, axis))
    numbers = constant(index).numpy() % shape[axis]
    lead = np.moveaxis(numbers, axis, -1).reshape(-1, numbers.shape[axis])
    adds = node.operator == "scatter_add" or given.get("reduce") is not None
    adds = adds and given.get("include_self", True)
    wide = all(
        a == b for at, (a, b) in enumerate(zip(numbers.shape, shape, strict=True)) if at != axis
    )
    cut = first_along(source.shape, numbers.shape) if isinstance(source, Value) else ()
    if wide and (lead == lead[:1]).all():
        keep: Sequence[Step] = () if adds else (_besides(shape, axis, lead[0]),)
        steps = (*cut, Take(axis, gather(shape[axis], lead[0]).transposed))
        return edges(given["self"], keep, target) + edges(source, steps, target)
    places = list(np.indices(numbers.shape))
    places[axis] = numbers
    flat = np.ravel_multi_index(tuple(places), shape).reshape(-1)
    return _flat(node, source, flat, cut, numbers.shape, adds=adds)


def first_along(before: Shape, after: Shape) -> tuple[Step, ...]:
    """Return the steps to the first elements along each axis."""
    return tuple(
        Take(axis, gather(old, np.arange(new)))
        for axis, (old, new) in enumerate(zip(before, after, strict=True))
        if old != new
    )


def _flat(
    node: Node, source: Any, flat: Numbers, cut: Sequence[Step], size: Shape, *, adds: bool
) -> list[Edge]:
    """Elements that are written at places counted over the whole tensor."""
    (target,) = targets(node)
    count = prod(target.shape)
    if max(count, flat.size) > LARGEST_FLAT:
        raise DataDependentError
    kept = np.ones(count, dtype=np.bool_)
    kept[flat] = False
    keep = () if adds else (Keep(kept.reshape(target.shape)),)
    found = edges(node.arguments["self"], keep, target)
    if isinstance(source, Value):
        steps = (
            *cut,
            Reshape(size, (prod(size),)),
            *first_along((prod(size),), (flat.size,)),
            Take(0, gather(count, flat).transposed),
            Reshape((count,), target.shape),
        )
        found += edges(source, steps, target)
    return found


@RULES.of("masked_scatter", "put")
def in_order(node: Node, zeros: Zeros) -> list[Edge]:
    """Elements of one tensor, one after another, at places of another."""
    given, (target,) = node.arguments, targets(node)
    source = given["source"]
    if node.operator == "put":
        flat = constant(given["index"]).reshape(-1).numpy() % prod(target.shape)
    else:
        mask = np.broadcast_to(constant(given["mask"]).numpy(), target.shape)
        flat = np.flatnonzero(mask)
    adds = bool(given.get("accumulate"))
    return _flat(node, source, flat, (), shape_of(source), adds=adds)


@RULES.moves("take")
def take(node: Node | View, before: Shape, after: Shape) -> tuple[Step, ...]:
    """Elements by places counted over the whole tensor."""
    return picked(before, after, constant(node.arguments["index"]).numpy() % prod(before))


def _anywhere(node: Node, axis: int) -> list[Edge]:
    """Return the edges of a scatter by numbers from the input: along the axis from everywhere."""
    given, (target,) = node.arguments, targets(node)
    found = edges(given["self"], (), target)
    for name in ("index", "src"):
        source = given.get(name)
        if isinstance(source, Value):
            found += edges(source, spread_along(source.shape, target.shape, axis), target)
    return found


def spread_along(before: Shape, after: Shape, axis: int) -> tuple[Step, ...]:
    """Return the steps by which each element depends on all along one axis, or on everything."""
    if any(a != b for at, (a, b) in enumerate(zip(before, after, strict=True)) if at != axis):
        return everything(before, after)
    return across(before, after, (axis,))


@RULES.of("_pack_padded_sequence")
def pack(node: Node, zeros: Zeros) -> list[Edge]:
    """Sequences of several lengths, step after step, the longest first; and how many are left."""
    given, target = node.arguments, targets(node)[0]
    source, lengths = given["input"], given["lengths"]
    left = constant(lengths).numpy()
    before = shape_of(source)
    width = before[1]
    places = [
        sequence * width + step if given["batch_first"] else step * width + sequence
        for step in range(int(left.max()))
        for sequence in range(len(left))
        if left[sequence] > step
    ]
    flat = (before[0] * width, *before[2:])
    return edges(source, (Reshape(before, flat), Take(0, gather(flat[0], places))), target)
