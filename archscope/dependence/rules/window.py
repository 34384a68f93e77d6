"""Rules of operators that look through windows: convolution, pooling, padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.learned import mask_of
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    edges,
    shape_of,
    targets,
)
from archscope.dependence.sets.links import (
    Links,
    Taps,
    parts,
    shifted,
    transposed_window,
    window,
)
from archscope.dependence.sets.steps import Edge, Mix, Permute, Reduce, Reshape, Step, Take

RULES = RuleSet()


def _each(value: int | Sequence[int], axes: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values


@RULES.of("convolution", "_convolution", "convolution_overrideable", "mkldnn_convolution")
@RULES.of("cudnn_convolution", "_slow_conv2d_forward", "miopen_convolution")
def convolution(node: Node, zeros: Zeros) -> list[Edge]:
    """Windows along each spatial axis; channels are mixed within their group."""
    given = node.arguments
    source, weight = given.get("input", given.get("self")), given["weight"]
    (target,) = targets(node)
    before, kernel = shape_of(source), shape_of(weight)[2:]
    axes = len(kernel)
    stride, padding, dilation = (
        _each(given[name], axes) for name in ("stride", "padding", "dilation")
    )
    transposed = given.get("transposed", False)
    first = len(before) - axes
    mix = Mix(first - 1, before[first - 1], target.shape[first - 1], given.get("groups", 1))
    make = transposed_window if transposed else window
    taps = None if transposed or isinstance(weight, Value) else mask_of(weight)
    found = []
    products = [None] if taps is None else _products(taps.flatten(0, 1).any(0).numpy())
    for chosen in products:
        steps: list[Step] = [mix]
        for axis in range(axes):
            links = make(
                before[first + axis],
                target.shape[first + axis],
                kernel=kernel[axis],
                stride=stride[axis],
                padding=padding[axis],
                dilation=dilation[axis],
            )
            if chosen is not None:
                starts = np.arange(links.size)[:, None] * stride[axis] - padding[axis]
                links = _at(links.reads, starts + chosen[axis] * dilation[axis])
            steps.append(Take(first + axis, links))
        found += edges(source, steps, target)
    # Weights and biases that the input makes (dynamic convolution) reach every output.
    for name in ("weight", "bias"):
        found += _made_weights(given.get(name), target)
    return found


def _products(taps: NDArray[np.bool_]) -> list[list[NDArray[np.int64]]]:
    """Return the taps of a kernel that are not always zero, as products of taps along each axis."""
    if taps.ndim == 1:
        return [[np.flatnonzero(taps)]] if taps.any() else []
    rows: dict[bytes, list[int]] = {}
    for number, row in enumerate(taps):
        rows.setdefault(row.tobytes(), []).append(number)
    return [
        [np.array(numbers), *rest]
        for numbers in rows.values()
        for rest in _products(taps[numbers[0]])
    ]


def _at(reads: int, places: NDArray[np.int64]) -> Links:
    inside = (places >= 0) & (places < reads)
    beyond: NDArray[np.bool_] = np.asarray(~inside.all(axis=1))
    return Taps(reads, np.where(inside, places, -1), clipped=beyond if beyond.any() else None)


def _made_weights(weight: Any, target: Any) -> list[Edge]:
    from archscope.dependence.sets.steps import everything

    if weight is None:
        return []
    return edges(weight, everything(shape_of(weight), target.shape), target)


@RULES.of("max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool1d", "avg_pool2d")
@RULES.of("avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d", "mkldnn_max_pool2d")
def pool(node: Node, zeros: Zeros) -> list[Edge]:
    """Windows along each spatial axis."""
    given = node.arguments
    source, target = given["self"], targets(node)[0]
    before = shape_of(source)
    axes = next(int(digit) for digit in node.operator if digit.isdigit())
    kernel = _each(given["kernel_size"], axes)
    stride = _each(given["stride"], axes) if given["stride"] else kernel
    padding = _each(given["padding"], axes)
    dilation = _each(given.get("dilation", 1), axes)
    first = len(before) - axes
    steps: list[Step] = []
    for axis in range(axes):
        reads, size = before[first + axis], target.shape[first + axis]
        if size == 1 and kernel[axis] >= reads > 1:
            steps.append(Reduce((first + axis,), (reads,)))
            continue
        links = window(
            reads,
            size,
            kernel=kernel[axis],
            stride=stride[axis],
            padding=padding[axis],
            dilation=dilation[axis],
        )
        steps.append(Take(first + axis, links))
    return edges(source, steps, *targets(node))


@RULES.of("max_unpool2d", "max_unpool3d")
def unpool(node: Node, zeros: Zeros) -> list[Edge]:
    """Each value back to where its pool found the largest: somewhere in its window."""
    source, places, (target,) = node.arguments["self"], node.arguments["indices"], targets(node)
    made = zeros.pooled.get(places) if isinstance(places, Value) else None
    if made is None:
        raise DataDependentError
    read, pooled = made.arguments["self"], made.outputs[1]
    size = len(node.arguments["output_size"])
    if pooled is None or pooled.shape != places.shape or read.shape[-size:] != target.shape[-size:]:
        raise DataDependentError
    back = next(iter(pool(made, zeros))).transposed
    return edges(source, back, target) + edges(places, back, target)


@RULES.of(*(f"adaptive_{kind}_pool{axes}d" for kind in ("avg", "max") for axes in (1, 2, 3)))
@RULES.of("_adaptive_avg_pool2d", "_adaptive_avg_pool3d")
def adaptive_pool(node: Node, zeros: Zeros) -> list[Edge]:
    """Parts along each spatial axis."""
    source, target = node.arguments["self"], targets(node)[0]
    before = shape_of(source)
    axes = next(int(digit) for digit in node.operator if digit.isdigit())
    steps: list[Step] = []
    for axis in range(len(before) - axes, len(before)):
        if target.shape[axis] == 1:
            steps.append(Reduce((axis,), (before[axis],)))
        else:
            steps.append(Take(axis, parts(before[axis], target.shape[axis])))
    return edges(source, steps, *targets(node))


@RULES.of("constant_pad_nd")
def constant_pad(node: Node, zeros: Zeros) -> list[Edge]:
    """Constants before and after, or less than there was."""
    before = shape_of(node.arguments["self"])

    def links(axis: int, left: int, size: int) -> Links:
        return shifted(before[axis], size, -left)

    return _padded(node, links)


@RULES.of(*(f"{kind}_pad{axes}d" for kind in ("reflection", "replication") for axes in (1, 2, 3)))
def mirror_pad(node: Node, zeros: Zeros) -> list[Edge]:
    """The border mirrored or repeated."""
    before = shape_of(node.arguments["self"])

    def links(axis: int, left: int, size: int) -> Links:
        reads = before[axis]
        at = np.arange(size) - left
        beyond = (at < 0) | (at >= reads)
        if node.operator.startswith("replication"):
            index = at.clip(0, reads - 1)
        else:
            index = np.abs(at)
            index = np.where(index >= reads, 2 * (reads - 1) - index, index)
        return Taps(reads, index[:, None], clipped=beyond)

    return _padded(node, links)


def _padded(node: Node, links: Any) -> list[Edge]:
    source, (target,) = node.arguments["self"], targets(node)
    before = shape_of(source)
    amounts = node.arguments.get("pad", node.arguments.get("padding"))
    steps = []
    for number in range(len(amounts) // 2):
        axis = len(before) - 1 - number
        left, right = amounts[2 * number : 2 * number + 2]
        if left or right:
            steps.append(Take(axis, links(axis, left, target.shape[axis])))
    return edges(source, steps, target)


@RULES.of("im2col")
def im2col(node: Node, zeros: Zeros) -> list[Edge]:
    """Windows of an image as columns: (N, C, H, W) to (N, C kh kw, positions)."""
    given = node.arguments
    source, (target,) = given["self"], targets(node)
    before = shape_of(source)
    batch = before[:-3]
    steps: list[Step] = []
    shape = list(before)
    counts = []
    for number, axis in enumerate((len(before) - 2, len(before) - 1)):
        kernel, stride, padding, dilation = (
            given[name][number] for name in ("kernel_size", "stride", "padding", "dilation")
        )
        count = (before[axis] + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        first = np.arange(kernel)[:, None] * dilation - padding + np.arange(count) * stride
        index = np.where((first >= 0) & (first < before[axis]), first, -1).reshape(-1)
        beyond = (index < 0) if (index < 0).any() else None
        steps.append(Take(axis, Taps(before[axis], index[:, None], clipped=beyond)))
        shape[axis] = kernel * count
        counts.append((kernel, count))
    (kh, nh), (kw, nw) = counts
    channels = before[-3]
    apart = (*batch, channels, kh, nh, kw, nw)
    base = len(batch)
    order = (*range(base + 1), base + 1, base + 3, base + 2, base + 4)
    moved = tuple(apart[axis] for axis in order)
    steps += [Reshape(tuple(shape), apart), Permute(order), Reshape(moved, target.shape)]
    return edges(source, steps, target)


@RULES.of("col2im")
def col2im(node: Node, zeros: Zeros) -> list[Edge]:
    """The opposite of `im2col`: overlapping windows are added."""
    given = node.arguments
    source, (target,) = given["self"], targets(node)
    forward = Node(
        operator="im2col",
        arguments={**given, "self": target},
        outputs=(source,),
        picked=None,
        module=node.module,
        pointwise=False,
    )
    (edge,) = im2col(forward, zeros)
    return edges(source, edge.transposed, target)
