"""Rules of operators that move elements: views, concatenation, rolls, copies."""

from __future__ import annotations

from math import prod

import numpy as np
from torch import Tensor

from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.zeros import Zeros, is_low
from archscope.dependence.rules import (
    RuleSet,
    edges,
    pointwise,
    shape_of,
    targets,
)
from archscope.dependence.sets.links import Links, gather, rolled
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Permute,
    Reshape,
    Step,
    Take,
    broadcast,
)

RULES = RuleSet()

Steps = tuple[Step, ...]


@RULES.of(
    *("view", "_unsafe_view", "reshape", "_reshape_alias", "_reshape_copy", "view_copy"),
    *("unsqueeze", "squeeze", "squeeze_copy", "unsqueeze_copy"),
)
def same_elements(node: Node, zeros: Zeros) -> list[Edge]:
    """The same elements in another shape."""
    source, (target,) = node.arguments["self"], targets(node)
    return edges(source, (Reshape(shape_of(source), target.shape),), target)


@RULES.of(
    *("clone", "alias", "detach", "contiguous", "_to_copy", "lift_fresh", "lift", "dropout"),
    *("native_dropout", "copy", "alias_copy", "detach_copy", "expand", "expand_copy", "fill"),
    *("where", "masked_fill", "nan_to_num", "bernoulli"),
    *("_fused_dropout", "_conj", "conj"),
)
def same_place(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from the one at its place; a copy forgets what it is written over."""
    if node.operator == "copy":
        source, (target,) = node.arguments["src"], targets(node)
        return edges(source, broadcast(shape_of(source), target.shape), target)
    if node.operator == "fill":
        source, (target,) = node.arguments["value"], targets(node)
        return (
            edges(source, broadcast(shape_of(source), target.shape), target)
            if isinstance(source, Value)
            else []
        )
    found = pointwise(node, zeros)
    if node.operator == "masked_fill":
        return _masked(node, found)
    return _chosen(node, found) if node.operator == "where" else found


def _chosen(node: Node, found: list[Edge]) -> list[Edge]:
    """Leave out of each side what a constant condition takes from the other."""
    condition = node.arguments.get("condition")
    one, other = node.arguments.get("self"), node.arguments.get("other")
    if not isinstance(condition, Tensor) or condition.is_meta or one is other:
        return found
    if is_low(one) or is_low(other):
        return found  # scores that a softmax makes zero are known to `zeros`
    rank = len(targets(node)[0].shape)
    mask = condition.detach().cpu().numpy().astype(np.bool_)
    mask = mask.reshape((1,) * (rank - mask.ndim) + mask.shape)
    return [
        Edge(e.source, e.target, (*e.steps, Keep(mask if e.source is one else ~mask)))
        for e in found
    ]


def _masked(node: Node, found: list[Edge]) -> list[Edge]:
    """Leave out what a constant mask overwrites with a constant."""
    mask, source = node.arguments["mask"], node.arguments["self"]
    if isinstance(mask, Value) or mask.is_meta or is_low(node.arguments["value"]):
        return found  # scores that a softmax makes zero are known to `zeros`
    over = mask.detach().cpu().numpy()
    target = targets(node)[0]
    over = over.reshape((1,) * (len(target.shape) - over.ndim) + over.shape)
    return [
        Edge(edge.source, edge.target, (*edge.steps, Keep(~over)))
        if edge.source is source
        else edge
        for edge in found
    ]


@RULES.of(
    "permute", "transpose", "t", "swapaxes", "movedim", "numpy_T", "permute_copy", "transpose_copy"
)
def reorder(node: Node, zeros: Zeros) -> list[Edge]:
    """Axes in another order."""
    source, target = node.arguments["self"], targets(node)[0]
    rank = len(shape_of(source))
    order = list(range(rank))
    if node.operator.startswith("permute"):
        order = [axis % rank for axis in node.arguments["dims"]]
    elif rank > 1:
        one, two = (
            (0, 1)
            if node.operator == "t"
            else (
                node.arguments["dim0"] % rank,
                node.arguments["dim1"] % rank,
            )
        )
        order[one], order[two] = order[two], order[one]
    return edges(source, (Permute(tuple(order)),), target)


@RULES.of("cat", "concatenate")
def cat(node: Node, zeros: Zeros) -> list[Edge]:
    """Tensors side by side; each covers its part of the axis."""
    (target,) = targets(node)
    axis = node.arguments["dim"] % len(target.shape)
    found, start = [], 0
    for tensor in node.arguments["tensors"]:
        size = shape_of(tensor)[axis] if len(shape_of(tensor)) == len(target.shape) else 0
        found += edges(tensor, (Take(axis, _placed(size, target.shape[axis], start)),), target)
        start += size
    return found


def _placed(size: int, whole: int, start: int) -> Links:
    index = np.arange(whole) - start
    return gather(size, np.where((index >= 0) & (index < size), index, -1))


@RULES.of("stack")
def stack(node: Node, zeros: Zeros) -> list[Edge]:
    """Tensors along a new axis."""
    (target,) = targets(node)
    axis = node.arguments["dim"] % len(target.shape)
    found = []
    for number, tensor in enumerate(node.arguments["tensors"]):
        shape = shape_of(tensor)
        alone = (*shape[:axis], 1, *shape[axis:])
        take = Take(axis, _placed(1, target.shape[axis], number), stacks=True)
        found += edges(tensor, (Reshape(shape, alone), take), target)
    return found


@RULES.of("roll")
def roll(node: Node, zeros: Zeros) -> list[Edge]:
    """Elements moved round."""
    source, (target,) = node.arguments["self"], targets(node)
    shape, shifts, axes = shape_of(source), node.arguments["shifts"], node.arguments["dims"]
    if not axes:
        flat = (prod(shape),)
        steps: Steps = (
            Reshape(shape, flat),
            Take(0, rolled(flat[0], shifts[0])),
            Reshape(flat, shape),
        )
        return edges(source, steps, target)
    steps = tuple(
        Take(axis % len(shape), rolled(shape[axis], shift))
        for shift, axis in zip(shifts, axes, strict=True)
    )
    return edges(source, steps, target)


@RULES.of("flip")
def flip(node: Node, zeros: Zeros) -> list[Edge]:
    """Axes read from the other end."""
    source, (target,) = node.arguments["self"], targets(node)
    shape = target.shape
    steps = tuple(
        Take(axis % len(shape), gather(shape[axis], np.arange(shape[axis])[::-1].copy()))
        for axis in node.arguments["dims"]
    )
    return edges(source, steps, target)


@RULES.of("repeat", "tile")
def repeat(node: Node, zeros: Zeros) -> list[Edge]:
    """Copies side by side along each axis."""
    source, (target,) = node.arguments["self"], targets(node)
    before = shape_of(source)
    padded = (1,) * (len(target.shape) - len(before)) + before
    steps: list[Step] = [Reshape(before, padded)]
    for axis, (old, new) in enumerate(zip(padded, target.shape, strict=True)):
        if old != new:
            steps.append(Take(axis, gather(old, np.arange(new) % old)))
    return edges(source, steps, target)


@RULES.of("pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "native_channel_shuffle")
def shuffle(node: Node, zeros: Zeros) -> list[Edge]:
    """Channels that become positions, and back."""
    source, (target,) = node.arguments["self"], targets(node)
    before, after = shape_of(source), target.shape
    lead, (channels, height, width) = before[:-3], before[-3:]
    rank = len(lead)
    keep = tuple(range(rank))
    if "channel" in node.operator:
        groups = node.arguments["groups"]
        sizes = before[2:]
        apart = (before[0], groups, before[1] // groups, *sizes)
        order = (0, 2, 1, *range(3, len(apart)))
    elif node.operator == "pixel_shuffle":
        factor = node.arguments["upscale_factor"]
        apart = (*lead, channels // factor**2, factor, factor, height, width)
        order = (*keep, rank, rank + 3, rank + 1, rank + 4, rank + 2)
    else:
        factor = node.arguments["downscale_factor"]
        apart = (*lead, channels, height // factor, factor, width // factor, factor)
        order = (*keep, rank, rank + 2, rank + 4, rank + 1, rank + 3)
    moved = tuple(apart[axis] for axis in order)
    return edges(source, (Reshape(before, apart), Permute(order), Reshape(moved, after)), target)
