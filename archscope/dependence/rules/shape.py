"""Rules of operators that move elements: views, concatenation, rolls, copies."""

from __future__ import annotations

from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from archscope.dependence.record.element_moves import ranked
from archscope.dependence.record.graph import Node, Shape, Value, View
from archscope.dependence.record.masks import mask_of
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import RuleSet, edges, pointwise, shape_of, targets
from archscope.dependence.sets.links import Links, gather, ranges, rolled
from archscope.dependence.sets.steps import Edge, Keep, Permute, Reshape, Step, Take, broadcast

RULES = RuleSet()

Steps = tuple[Step, ...]


@RULES.moves(
    *("view", "_unsafe_view", "reshape", "_reshape_alias", "_reshape_copy", "view_copy"),
    *("unsqueeze", "squeeze", "squeeze_copy", "unsqueeze_copy", "unflatten", "flatten"),
)
def same_elements(_: Node | View, before: Shape, after: Shape) -> Steps:
    """The same elements in another shape, or each as several of another number type."""
    if prod(before) == prod(after) or before[:-1] != after[:-1]:
        return (Reshape(before, after),)
    last, (reads, size) = len(before) - 1, (before[-1], after[-1])
    return (Take(last, ranges(reads, *_parts(reads, size))),)


def _parts(reads: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first element that each of a row of others lies in, and the one after the last."""
    own = np.arange(size)
    return own * reads // size, -(-(own + 1) * reads // size)


@RULES.of(
    *("clone", "alias", "detach", "contiguous", "_to_copy", "lift_fresh", "lift", "dropout"),
    *("native_dropout", "copy", "alias_copy", "detach_copy", "expand", "expand_copy", "fill"),
    *("where", "masked_fill", "nan_to_num", "bernoulli"),
    *("_fused_dropout", "_conj", "conj"),
)
def same_place(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from the one at its place; a copy forgets what it is written over."""
    if node.operator in ("copy", "fill"):
        source = node.arguments["src" if node.operator == "copy" else "value"]
        (target,) = targets(node)
        steps = broadcast(source.shape, target.shape) if isinstance(source, Value) else ()
        return edges(source, steps, target)
    found = pointwise(node, zeros)
    if zeros.scores.issuperset(targets(node)):
        return found  # what a softmax makes zero is known to `zeros`
    if node.operator == "masked_fill":
        return _masked(node, found)
    return _chosen(node, zeros, found) if node.operator == "where" else found


def _chosen(node: Node, zeros: Zeros, found: list[Edge]) -> list[Edge]:
    """Leave out of each side what a constant condition takes from the other."""
    condition = node.arguments.get("condition")
    one, other = node.arguments.get("self"), node.arguments.get("other")
    (target,) = targets(node)
    always = zeros.ranges.constant(condition)
    if always is not None:
        condition = torch.tensor(bool(always))
    if not isinstance(condition, Tensor) or condition.is_meta or one is other:
        return found
    mask = ranked(condition.detach().cpu().numpy().astype(np.bool_), len(target.shape))
    return [
        Edge(e.source, e.target, (*e.steps, Keep(mask if e.source is one else ~mask)))
        for e in found
    ]


def _masked(node: Node, found: list[Edge]) -> list[Edge]:
    """Leave out what a constant mask overwrites with a constant."""
    mask, source = node.arguments["mask"], node.arguments["self"]
    if isinstance(mask, Value) or mask.is_meta:
        return found
    (target,) = targets(node)
    over = ranked(mask.detach().cpu().numpy(), len(target.shape))
    return [
        Edge(edge.source, edge.target, (*edge.steps, Keep(~over)))
        if edge.source is source
        else edge
        for edge in found
    ]


@RULES.of("addcmul", "lerp")
def blended(node: Node, zeros: Zeros) -> list[Edge]:
    """A sum of which constant factors of zero take parts out."""
    given, (target,) = node.arguments, targets(node)
    by, found = given.get("weight"), []
    left = 1 - by if isinstance(by, Tensor) and not isinstance(by, nn.Parameter) else None
    factors = {"tensor1": given.get("tensor2"), "tensor2": given.get("tensor1")}
    for name, factor in {"self": left, "end": by, **factors}.items():
        mask = mask_of(factor) if isinstance(factor, Tensor) else None
        kept = () if mask is None else (Keep(ranked(mask.numpy(), len(target.shape))),)
        if isinstance(source := given.get(name), Value):
            found += edges(source, (*broadcast(source.shape, target.shape), *kept), target)
    weight = by if isinstance(by, Value) else None
    return found + (edges(weight, broadcast(weight.shape, target.shape), target) if weight else [])


@RULES.moves(
    *("permute", "transpose", "t", "swapaxes", "movedim", "numpy_T", "permute_copy", "t_copy"),
    *("transpose_copy", "_mkldnn_transpose"),
)
def reorder(node: Node | View, before: Shape, _: Shape) -> Steps:
    """Axes in another order."""
    rank, given = len(before), node.arguments
    order = list(range(rank))
    if node.operator.startswith("permute"):
        order = [axis % rank for axis in given["dims"]]
    elif rank > 1:
        names = ("dim0", "dim1")
        one, two = (
            (0, 1) if node.operator in ("t", "t_copy") else (given[name] % rank for name in names)
        )
        order[one], order[two] = order[two], order[one]
    return (Permute(tuple(order)),)


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


@RULES.of("stack", "_stack")
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


@RULES.of("block_diag")
def block_diag(node: Node, zeros: Zeros) -> list[Edge]:
    """Matrices along a diagonal, zeros beside them."""
    (target,) = targets(node)
    found, row, column = [], 0, 0
    for tensor in node.arguments["tensors"]:
        shape = shape_of(tensor)
        height, width = (1, 1, *shape)[-2:]
        steps = (
            Reshape(shape, (height, width)),
            Take(0, _placed(height, target.shape[0], row)),
            Take(1, _placed(width, target.shape[1], column)),
        )
        found += edges(tensor, steps, target)
        row, column = row + height, column + width
    return found


@RULES.moves("roll")
def roll(node: Node | View, before: Shape, _: Shape) -> Steps:
    """Elements moved round."""
    shifts, axes = node.arguments["shifts"], node.arguments["dims"]
    if not axes:
        flat, (shift,) = (prod(before),), shifts
        turn = Take(0, rolled(flat[0], shift))
        return (Reshape(before, flat), turn, Reshape(flat, before))
    return tuple(
        Take(axis % len(before), rolled(before[axis], shift))
        for shift, axis in zip(shifts, axes, strict=True)
    )


@RULES.moves("flip")
def flip(node: Node | View, before: Shape, _: Shape) -> Steps:
    """Axes read from the other end."""
    return tuple(turned(before, axis) for axis in node.arguments["dims"])


def turned(shape: Shape, axis: int) -> Take:
    """Return the step that reads an axis from the other end."""
    return Take(axis % len(shape), gather(shape[axis], np.arange(shape[axis])[::-1].copy()))


@RULES.moves("repeat", "tile")
def repeat(_: Node | View, before: Shape, after: Shape) -> Steps:
    """Copies side by side along each axis."""
    padded = (1,) * (len(after) - len(before)) + before
    copies = (
        Take(axis, gather(old, np.arange(new) % old))
        for axis, (old, new) in enumerate(zip(padded, after, strict=True))
        if old != new
    )
    return (Reshape(before, padded), *copies)


@RULES.moves("pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "native_channel_shuffle")
def shuffle(node: Node | View, before: Shape, after: Shape) -> Steps:
    """Channels that become positions, and back."""
    lead, (channels, height, width) = before[:-3], before[-3:]
    rank = len(lead)
    keep = tuple(range(rank))
    if "channel" in node.operator:
        groups = node.arguments["groups"]
        apart = (before[0], groups, before[1] // groups, *before[2:])
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
    return (Reshape(before, apart), Permute(order), Reshape(moved, after))
