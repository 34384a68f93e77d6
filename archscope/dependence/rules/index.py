"""Rules of operators that pick elements by number: exact where the numbers are constants."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import torch

from archscope.dependence.record.element_moves import ranked
from archscope.dependence.record.graph import Node, Shape, Value, View
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    constant,
    edges,
    shape_of,
    targets,
)
from archscope.dependence.rules.views import LARGEST_FLAT, picked
from archscope.dependence.rules.write import first_along, spread_along
from archscope.dependence.sets.links import from_matrix, gather
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Permute,
    Reduce,
    Reshape,
    Spread,
    Step,
    Take,
    across,
    backward,
    broadcast,
)

RULES = RuleSet()

MOST_TRIED = 1 << 24
"""Numbers that are made to try where a constant grid reads."""


@RULES.of("embedding")
def embedding(node: Node, zeros: Zeros) -> list[Edge]:
    """Each row from its number."""
    index, (target,) = node.arguments["indices"], targets(node)
    found = []
    if isinstance(index, Value):
        found = edges(index, one_hot(node, index.shape, target.shape), target)
    if isinstance(node.arguments["weight"], Value):
        raise DataDependentError
    return found


@RULES.moves("one_hot")
def one_hot(_: Node | View, before: Shape, after: Shape) -> tuple[Step, ...]:
    """Each row from its number."""
    padded = (*before, 1)
    return (Reshape(before, padded), *broadcast(padded, after))


@RULES.moves("index_select")
def index_select(node: Node | View, before: Shape, _: Shape) -> tuple[Step, ...]:
    """Positions of one axis by number."""
    axis = node.arguments["dim"] % len(before)
    numbers = constant(node.arguments["index"]).reshape(-1).numpy() % before[axis]
    return (Take(axis, gather(before[axis], numbers)),)


@RULES.of("index", "_unsafe_index")
def index(node: Node, zeros: Zeros) -> list[Edge]:
    """Elements by one number per indexed axis; numbers broadcast against each other."""
    source, (target,) = node.arguments["self"], targets(node)
    if not isinstance(source, Value):
        return _by_value(node, target)
    axes, numbers, _ = _numbers(node.arguments["indices"], source.shape)
    steps, front = _indexed(source.shape, axes, numbers)
    after = list(front)
    place = axes[0] if axes == list(range(axes[0], axes[-1] + 1)) else 0
    after.insert(place, numbers.size)
    order = [*range(place), len(front), *range(place, len(front))]
    steps += [Permute(tuple(order)), Reshape(tuple(after), target.shape)]
    return edges(source, steps, target)


def _indexed(shape: Shape, axes: list[int], numbers: Any) -> tuple[list[Step], tuple[int, ...]]:
    """Return the steps that pick elements, their axis at the end, and the axes before it."""
    others = [axis for axis in range(len(shape)) if axis not in axes]
    order = (*others, *axes)
    front = tuple(shape[axis] for axis in others)
    count = prod(shape[axis] for axis in axes)
    permuted = tuple(shape[axis] for axis in order)
    steps: list[Step] = [
        Permute(order),
        Reshape(permuted, (*front, count)),
        Take(len(front), gather(count, numbers.reshape(-1))),
    ]
    return steps, front


def _numbers(indices: Any, shape: Shape) -> tuple[list[int], Any, Shape]:
    """Return the indexed axes, and the numbers of their elements counted over all of them."""
    axes: list[int] = []
    tensors: list[torch.Tensor] = []
    axis = 0
    for given in indices:
        if given is None:
            axis += 1
            continue
        data = constant(given)
        parts = data.nonzero(as_tuple=True) if data.dtype in (torch.bool, torch.uint8) else (data,)
        for part in parts:
            axes.append(axis)
            tensors.append(part)
            axis += 1
    together = torch.broadcast_tensors(*tensors)
    flat = np.zeros(together[0].shape, dtype=np.int64)
    for at, tensor in zip(axes, together, strict=True):
        flat = flat * shape[at] + tensor.numpy() % shape[at]
    return axes, flat, tuple(flat.shape)


def _by_value(node: Node, target: Value) -> list[Edge]:
    """A constant table that is read by numbers from the input: each element by its own number."""
    values = [index for index in node.arguments["indices"] if index is not None]
    if any(index is None for index in node.arguments["indices"][: len(values)]):
        raise DataDependentError
    rest = (1,) * (len(shape_of(node.arguments["self"])) - len(values))
    shapes = [(*shape_of(index), *rest) for index in values]
    if not all(_spreads(shape, target.shape) for shape in shapes):
        raise DataDependentError  # by a mask: how many elements it lets through depends on data
    found = []
    for index in values:
        if isinstance(index, Value):
            padded = (*index.shape, *rest)
            steps = (Reshape(index.shape, padded), *broadcast(padded, target.shape))
            found += edges(index, steps, target)
    return found


def _spreads(shape: Shape, after: Shape) -> bool:
    """Return whether a shape broadcasts to another."""
    fits = len(shape) <= len(after)
    return fits and all(a in (1, b) for a, b in zip(shape[::-1], after[::-1], strict=False))


@RULES.of("_unsafe_masked_index")
def masked_index(node: Node, zeros: Zeros) -> list[Edge]:
    """Elements by number, but a constant where a mask is False."""
    (target,) = targets(node)
    found = index(node, zeros)
    kept = Keep(ranked(constant(node.arguments["mask"]).numpy(), len(target.shape)))
    return [Edge(edge.source, edge.target, (*edge.steps, kept)) for edge in found]


@RULES.of("_unsafe_masked_index_put_accumulate")
def masked_index_put(node: Node, zeros: Zeros) -> list[Edge]:
    """Elements added by number, but for those where a mask is False."""
    values, mask = node.arguments["values"], constant(node.arguments["mask"]).numpy()
    given = {**node.arguments, "accumulate": True}
    found = list(index_put(replace(node, arguments=given), zeros))
    if not isinstance(values, Value):
        return found
    kept = Keep(np.broadcast_to(mask, values.shape))
    return [
        Edge(edge.source, edge.target, (kept, *edge.steps)) if edge.source is values else edge
        for edge in found
    ]


@RULES.of("index_put", "_index_put_impl", "_unsafe_index_put")
def index_put(node: Node, zeros: Zeros) -> list[Edge]:
    """Elements written by number."""
    given, (target,) = node.arguments, targets(node)
    source, values, shape = given["self"], given["values"], target.shape
    axes, numbers, size = _numbers(given["indices"], shape)
    steps, front = _indexed(shape, axes, numbers)
    back = backward(steps)
    found = []
    if isinstance(values, Value):
        adjacent = axes == list(range(axes[0], axes[-1] + 1))
        place = axes[0] if adjacent else 0
        full = (*front[:place], *size, *front[place:])
        spread = broadcast(values.shape, full)
        flat = (*front[:place], numbers.size, *front[place:])
        order = (*range(place), *range(place + 1, len(flat)), place)
        found += edges(values, (*spread, Reshape(full, flat), Permute(order), *back), target)
    if isinstance(source, Value):
        whole = np.zeros((1,) * len(front) + (prod(shape[axis] for axis in axes),), dtype=np.bool_)
        whole[..., numbers.reshape(-1)] = True
        mask = whole.reshape((1,) * len(front) + tuple(shape[axis] for axis in axes))
        order_back = np.argsort([*(a for a in range(len(shape)) if a not in axes), *axes])
        mask = mask.transpose(order_back)
        keep = () if given.get("accumulate") else (Keep(~mask),)
        found += edges(source, keep, target)
    return found


@RULES.of("gather", "take_along_dim")
def gather_elements(node: Node, zeros: Zeros) -> list[Edge]:
    """Elements along one axis, each by a number of its own."""
    given, (target,) = node.arguments, targets(node)
    source, numbers = given["self"], given.get("index", given.get("indices"))
    shape = shape_of(source)
    axis = given["dim"] % len(shape)
    if isinstance(numbers, Value):
        return _gathered_by_value(source, numbers, target, axis)
    data = constant(numbers).numpy()
    lead = np.moveaxis(data, axis, -1).reshape(-1, data.shape[axis])
    if (lead == lead[0]).all() and all(a <= b for a, b in zip(target.shape, shape, strict=True)):
        take = Take(axis, gather(shape[axis], lead[0] % shape[axis]))
        taken = (*shape[:axis], target.shape[axis], *shape[axis + 1 :])
        return edges(source, (take, *first_along(taken, target.shape)), target)
    if max(prod(shape), data.size) > LARGEST_FLAT:
        raise DataDependentError
    places = list(np.indices(data.shape))
    places[axis] = data % shape[axis]
    flat = np.ravel_multi_index(tuple(places), shape)
    return edges(source, picked(shape, target.shape, flat), target)


def _gathered_by_value(source: Any, numbers: Value, target: Value, axis: int) -> list[Edge]:
    """Numbers from the input: of a constant each element by its own, else all along the axis."""
    found = edges(numbers, (), target) if numbers.shape == target.shape else []
    if not isinstance(source, Value):
        return found
    raise DataDependentError(
        found + edges(source, spread_along(source.shape, target.shape, axis), target)
    )


@RULES.of("grid_sampler_2d", "grid_sampler_3d", "grid_sampler", "cudnn_grid_sampler")
def grid_sample(node: Node, zeros: Zeros) -> list[Edge]:
    """Where it reads depends on the grid; (N, C, H, W) by (N, H', W', 2)."""
    given, (target,) = node.arguments, targets(node)
    source, grid = given["input"], given["grid"]
    axes = len(target.shape) - 2
    steps: list[Step] = [
        Reduce((axes + 1,), (axes,)),
        Permute((0, axes + 1, *range(1, axes + 1))),
        Spread((1,), (target.shape[1],)),
    ]
    by_grid = edges(grid, steps, target)
    if not isinstance(source, Value):
        return by_grid
    if isinstance(grid, Value):
        positions = tuple(range(2, axes + 2))
        anywhere = across(source.shape, target.shape, positions)
        raise DataDependentError(by_grid + edges(source, anywhere, target))
    return _sampled(source, constant(grid), target, given)


def _sampled(source: Value, grid: torch.Tensor, target: Value, given: Any) -> list[Edge]:
    """Follow a constant grid by trying it: each input position is a channel of its own."""
    shape = source.shape
    count, places = prod(shape[2:]), prod(target.shape[2:])
    if not bool((grid == grid[:1]).all()) or count * max(count, places) > MOST_TRIED:
        raise DataDependentError
    probe = torch.eye(count, dtype=torch.float64).view(1, count, *shape[2:])
    weights = torch.grid_sampler(
        probe,
        grid[:1].double(),
        given["interpolation_mode"],
        given["padding_mode"],
        given["align_corners"],
    )
    matrix = (weights[0].reshape(count, -1).abs() > 1e-9).numpy().T
    flat = (*shape[:2], count)
    moved = (*shape[:2], prod(target.shape[2:]))
    steps = (Reshape(shape, flat), Take(2, from_matrix(matrix)), Reshape(moved, target.shape))
    return edges(source, steps, target)
