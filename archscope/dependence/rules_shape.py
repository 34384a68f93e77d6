"""Rules of operators that move elements: views, slices, concatenation, rolls, writes."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

import numpy as np
from torch import Tensor

from archscope.dependence.graph import WRITE, Node, Shape, Value, View
from archscope.dependence.links import Links, gather, rolled, shifted
from archscope.dependence.patterns import Pattern
from archscope.dependence.rules import (
    RULES,
    DataDependentError,
    edges,
    pointwise,
    rule,
    shape_of,
    targets,
)
from archscope.dependence.steps import (
    Edge,
    Keep,
    Permute,
    Reshape,
    Step,
    Take,
    broadcast,
)
from archscope.dependence.zeros import Zeros, is_low

Steps = tuple[Step, ...]


@rule(
    *("view", "_unsafe_view", "reshape", "_reshape_alias", "_reshape_copy", "view_copy"),
    *("unsqueeze", "squeeze", "squeeze_copy", "unsqueeze_copy", "view_as_real_copy"),
)
def same_elements(node: Node, zeros: Zeros) -> list[Edge]:
    """The same elements in another shape."""
    source, (target,) = node.arguments["self"], targets(node)
    return edges(source, (Reshape(shape_of(source), target.shape),), target)


@rule(
    *("clone", "alias", "detach", "contiguous", "_to_copy", "lift_fresh", "lift", "dropout"),
    *("native_dropout", "copy", "alias_copy", "detach_copy", "expand", "expand_copy", "fill"),
    *("where", "masked_fill", "nan_to_num", "bernoulli", "real", "imag", "view_as_real"),
    *("_fused_dropout", "_conj", "conj", "native_channel_shuffle_backward"),
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
    if node.operator in ("view_as_real", "real", "imag"):
        source, target = node.arguments["self"], targets(node)[0]
        before = shape_of(source)
        if len(target.shape) > len(before):
            padded = (*before, 1)
            return edges(
                source, (Reshape(before, padded), *broadcast(padded, target.shape)), target
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


@rule(
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


def view_steps(view: View, before: Shape, after: Shape) -> Steps:
    """Return the steps from a tensor to a view of it; may raise `DataDependentError`."""
    given, operator = view.arguments, view.operator
    axis = given["dim"] % max(len(before), 1) if isinstance(given.get("dim"), int) else 0
    match operator:
        case "slice" | "slice_copy":
            start, _, step = slice(given["start"], given["end"], given["step"]).indices(
                before[axis]
            )
            return (Take(axis, shifted(before[axis], after[axis], start, step)),)
        case "select" | "select_copy":
            return _selected(before, after, axis, given["index"] % before[axis])
        case "narrow":
            return (Take(axis, shifted(before[axis], after[axis], given["start"] % before[axis])),)
        case "unbind" | "unbind_copy":
            return _selected(before, after, axis, _picked(view))
        case "split" | "unsafe_split" | "chunk" | "tensor_split" | "split_copy":
            size = given.get("split_size")
            if not isinstance(size, int):
                raise DataDependentError
            return (Take(axis, shifted(before[axis], after[axis], _picked(view) * size)),)
        case "split_with_sizes" | "unsafe_split_with_sizes" | "split_with_sizes_copy":
            start = sum(given["split_sizes"][: _picked(view)])
            return (Take(axis, shifted(before[axis], after[axis], start)),)
        case "unfold" | "unfold_copy":
            axis = given["dimension"] % len(before)
            return _unfolded(before, axis, given["size"], given["step"])
        case "diagonal" | "diagonal_copy":
            return _diagonal(before, after, given)
        case "as_strided" | "as_strided_copy":
            return _strided(before, after, given)
    raise DataDependentError


def _picked(view: View) -> int:
    if view.picked is None:
        raise DataDependentError
    return view.picked


def _selected(before: Shape, after: Shape, axis: int, index: int) -> Steps:
    alone = (*before[:axis], 1, *before[axis + 1 :])
    return (Take(axis, gather(before[axis], [index])), Reshape(alone, after))


def _unfolded(before: Shape, axis: int, size: int, step: int) -> Steps:
    """Windows of an axis: they stand at its place, what is in them at the end."""
    windows = (before[axis] - size) // step + 1
    index = (np.arange(windows)[:, None] * step + np.arange(size)).reshape(-1)
    flat = (*before[:axis], windows * size, *before[axis + 1 :])
    apart = (*before[:axis], windows, size, *before[axis + 1 :])
    rank = len(apart)
    order = (*range(axis + 1), *range(axis + 2, rank), axis + 1)
    return (Take(axis, gather(before[axis], index)), Reshape(flat, apart), Permute(order))


def _diagonal(before: Shape, after: Shape, given: Any) -> Steps:
    numbers = np.arange(prod(before)).reshape(before)
    picked = np.diagonal(numbers, given["offset"], given["dim1"], given["dim2"])
    return _flat(before, after, picked)


def _strided(before: Shape, after: Shape, given: Any) -> Steps:
    # As if the tensor that is viewed were dense; whoever makes such a view of a view is refused.
    offset = given["storage_offset"] or 0
    places = np.array(offset)
    for size, stride in zip(given["size"], given["stride"], strict=True):
        places = places[..., None] + np.arange(size) * stride
    if places.size and int(places.max()) >= prod(before):
        raise DataDependentError
    return _flat(before, after, places)


LARGEST_FLAT = 1 << 20
"""Elements of a tensor that is handled element by element."""


def _flat(before: Shape, after: Shape, places: Any) -> Steps:
    if max(prod(before), prod(after)) > LARGEST_FLAT:
        raise DataDependentError
    links = gather(prod(before), places.reshape(-1))
    return (
        Reshape(before, (prod(before),)),
        Take(0, links),
        Reshape((prod(after),), after),
    )


@rule(
    *("slice", "select", "narrow", "unbind", "split", "split_with_sizes", "unfold", "diagonal"),
    *("unsafe_split", "unsafe_split_with_sizes", "as_strided", "slice_copy", "select_copy"),
    *("split_copy", "split_with_sizes_copy", "unbind_copy", "unfold_copy", "as_strided_copy"),
)
def part(node: Node, zeros: Zeros) -> list[Edge]:
    """Some of the elements."""
    source = node.arguments["self"]
    found = []
    for number, target in enumerate(node.outputs):
        if target is None:
            continue
        picked = node.picked if node.picked is not None else number
        view = View(operator=node.operator, arguments=node.arguments, picked=picked)
        found += edges(source, view_steps(view, shape_of(source), target.shape), target)
    return found


@rule(WRITE)
def write(node: Node, zeros: Zeros) -> list[Edge]:
    """A tensor of which a part was written to."""
    whole, piece, view = (node.arguments[name] for name in ("whole", "part", "view"))
    (target,) = targets(node)
    steps = steps_of_view(view, target.shape, piece.shape)
    back = tuple(step.transposed for step in reversed(steps))
    found = edges(piece, back, target)
    if whole is not None:
        found += edges(whole, (Keep(~_reached(back, piece.shape)),), target)
    return found


def steps_of_view(view: View, before: Shape, after: Shape) -> Steps:
    """Return the steps from a tensor to any view of it."""
    if view.operator in ("permute", "transpose", "t", "view", "unsqueeze", "squeeze", "expand"):
        source, target = Value(0, before), Value(1, after)
        node = Node(
            operator=view.operator,
            arguments={**view.arguments, "self": source},
            outputs=(target,),
            picked=None,
            module="",
            pointwise=False,
        )
        (edge,) = RULES[view.operator](node, Zeros())
        return edge.steps
    if view.operator in ("alias", "detach", "lift_fresh", "_reshape_alias", "_unsafe_view"):
        return (Reshape(before, after),)
    return view_steps(view, before, after)


def _reached(steps: Iterable[Step], shape: Shape) -> Any:
    """Return which elements some steps lead to from any element of a tensor."""
    ones = np.ones((1,) * len(shape))
    pattern = Pattern(shape, ones, (None,) * len(shape))
    for step in steps:
        pattern = step.apply(pattern)
    found = pattern.entries
    for axis in range(len(pattern.shape)):
        if pattern.places[axis] is not None:
            found = found.take(pattern.index(axis), axis=axis)
    return found > 0


@rule("slice_scatter", "select_scatter", "diagonal_scatter")
def scatter(node: Node, zeros: Zeros) -> list[Edge]:
    """The functional form of a write."""
    operator = node.operator.removesuffix("_scatter")
    view = View(operator=operator, arguments=node.arguments, picked=None)
    source, (target,) = node.arguments["self"], targets(node)
    piece = node.arguments["src"]
    steps = view_steps(view, target.shape, shape_of(piece))
    back = tuple(step.transposed for step in reversed(steps))
    keep = Keep(~_reached(back, shape_of(piece)))
    return edges(piece, back, target) + edges(source, (keep,), target)


@rule("cat", "concatenate")
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


@rule("stack")
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


@rule("roll")
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


@rule("flip")
def flip(node: Node, zeros: Zeros) -> list[Edge]:
    """Axes read from the other end."""
    source, (target,) = node.arguments["self"], targets(node)
    shape = target.shape
    steps = tuple(
        Take(axis % len(shape), gather(shape[axis], np.arange(shape[axis])[::-1].copy()))
        for axis in node.arguments["dims"]
    )
    return edges(source, steps, target)


@rule("repeat", "tile")
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


@rule("pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "native_channel_shuffle")
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
