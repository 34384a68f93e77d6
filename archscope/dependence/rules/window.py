"""Rules of operators that look through windows: convolution, pooling, padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.record.graph import Node, Shape, Value, View
from archscope.dependence.record.masks import mask_of
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    edges,
    made_weights,
    shape_of,
    targets,
)
from archscope.dependence.sets.links import (
    Links,
    Taps,
    parts,
    ranges,
    shifted,
    transposed_window,
    window,
)
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Mix,
    Permute,
    Reduce,
    Reshape,
    Step,
    Take,
    backward,
)

RULES = RuleSet()

MOST_KINDS = 16
"""Kernels of output channels that have unlike holes, up to which each is followed."""


def _each(value: int | Sequence[int], axes: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values


@RULES.of("convolution", "_convolution", "convolution_overrideable", "mkldnn_convolution")
@RULES.of("cudnn_convolution", "_slow_conv2d_forward", "miopen_convolution")
@RULES.of("_conv_depthwise2d", "conv_depthwise3d", "miopen_depthwise_convolution")
@RULES.of("slow_conv3d_forward", "slow_conv_dilated2d", "slow_conv_dilated3d")
@RULES.of("slow_conv_transpose2d", "slow_conv_transpose3d", "cudnn_convolution_transpose")
@RULES.of("miopen_convolution_transpose", "cudnn_convolution_relu", "miopen_convolution_relu")
@RULES.of("cudnn_convolution_add_relu", "miopen_convolution_add_relu")
def convolution(node: Node, zeros: Zeros) -> list[Edge]:
    """Windows along each spatial axis; channels are mixed within their group."""
    given = node.arguments
    source, weight = given.get("input", given.get("self")), given["weight"]
    (target,) = targets(node)
    before, kernel = shape_of(source), shape_of(weight)[2:]
    axes = len(kernel)
    stride, padding, dilation = (
        _each(given.get(name, 1), axes) for name in ("stride", "padding", "dilation")
    )
    transposed = given.get("transposed", "transpose" in node.operator)
    first = len(before) - axes
    groups = before[first - 1] if "depthwise" in node.operator else given.get("groups", 1)
    mix = Mix(first - 1, before[first - 1], target.shape[first - 1], groups)
    found = []
    for kept, chosen in _kinds_of_taps(weight, transposed, groups):
        steps: list[Step] = [mix]
        for axis in range(axes):
            steps.append(
                Take(
                    first + axis,
                    _windows(
                        (before[first + axis], target.shape[first + axis]),
                        kernel[axis] if chosen is None else chosen[axis],
                        transposed=transposed,
                        stride=stride[axis],
                        padding=padding[axis],
                        dilation=dilation[axis],
                    ),
                )
            )
        if kept is not None:
            sizes = [-1 if axis == first - 1 else 1 for axis in range(len(before))]
            steps.append(Keep(kept.reshape(sizes)))
        found += edges(source, steps, target)
    return found + edges(given.get("z"), (), target) + made_weights(node, target)


def _kinds_of_taps(
    weight: Any, transposed: bool, groups: int
) -> Iterator[tuple[NDArray[np.bool_] | None, list[NDArray[np.int64]] | None]]:
    """Yield products of the taps that are not always zero, and of which outputs; None: all."""
    taps = None if isinstance(weight, Value) else mask_of(weight)
    if taps is None:
        yield None, None
        return
    if transposed:  # (inputs, outputs of a group, ...)
        own = taps.unflatten(0, (groups, -1)).any(1).flatten(0, 1).numpy()
    else:
        own = taps.any(1).numpy()
    kinds, which = np.unique(own.reshape(len(own), -1), axis=0, return_inverse=True)
    if not 1 < len(kinds) <= MOST_KINDS:
        yield from ((None, product) for product in _products(own.any(0)))
        return
    for number, kind in enumerate(kinds):
        for product in _products(kind.reshape(own.shape[1:])):
            yield which.reshape(-1) == number, product


def _windows(
    sizes: tuple[int, int],
    taps: int | NDArray[np.int64],
    *,
    transposed: bool,
    stride: int,
    padding: int,
    dilation: int,
) -> Links:
    """Return what outputs read along an axis, by all of so many taps or by those of some places."""
    reads, size = sizes
    if transposed:
        which = np.arange(taps) if isinstance(taps, int) else taps
        return transposed_window(
            reads, size, taps=which, stride=stride, padding=padding, dilation=dilation
        )
    if isinstance(taps, int):
        return window(reads, size, kernel=taps, stride=stride, padding=padding, dilation=dilation)
    starts = np.arange(size)[:, None] * stride - padding
    return _at(reads, starts + taps * dilation)


def _products(taps: NDArray[np.bool_]) -> list[list[NDArray[np.int64]]]:
    """Return the taps of a kernel that are not always zero, as products of taps along each axis."""
    if taps.ndim == 1:
        return [[np.flatnonzero(taps)]] if taps.any() else []
    rows: dict[bytes, list[int]] = {}
    for number, row in enumerate(taps):
        rows.setdefault(row.tobytes(), []).append(number)
    alike = ((first, (first, *more)) for first, *more in rows.values())
    return [
        [np.array(numbers), *rest] for first, numbers in alike for rest in _products(taps[first])
    ]


def _at(reads: int, places: NDArray[np.int64]) -> Links:
    inside = (places >= 0) & (places < reads)
    beyond: NDArray[np.bool_] = np.asarray(~inside.all(axis=1))
    return Taps(reads, np.where(inside, places, -1), clipped=beyond if beyond.any() else None)


@RULES.moves("max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool1d", "avg_pool2d")
@RULES.moves("avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d", "mkldnn_max_pool2d")
def pool(node: Node | View, before: Shape, after: Shape) -> list[Step]:
    """Windows along each spatial axis."""
    given = node.arguments
    axes = next(int(digit) for digit in node.operator if digit.isdigit())
    kernel = _each(given["kernel_size"], axes)
    stride = _each(given["stride"], axes) if given["stride"] else kernel
    padding = _each(given["padding"], axes)
    dilation = _each(given.get("dilation", 1), axes)
    first = len(before) - axes
    steps: list[Step] = []
    for axis in range(axes):
        reads, size = before[first + axis], after[first + axis]
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
    return steps


@RULES.of("conv_tbc")
def convolution_tbc(node: Node, zeros: Zeros) -> list[Edge]:
    """(T, B, C), windows along the first axis, by weights (taps, C, C')."""
    given, (target,) = node.arguments, targets(node)
    before, weight = shape_of(given["self"]), shape_of(given["weight"])
    links = window(before[0], target.shape[0], kernel=weight[0], padding=given["pad"])
    steps = (Mix(2, before[2], target.shape[2]), Take(0, links))
    return edges(given["self"], steps, target) + made_weights(node, target)


@RULES.of("fractional_max_pool2d", "fractional_max_pool3d")
def fractional_pool(node: Node, zeros: Zeros) -> list[Edge]:
    """Windows at places by chance: each begins at one of two neighbours, the last at the end."""
    given, source = node.arguments, node.arguments["self"]
    before, after = shape_of(source), targets(node)[0].shape
    kernel, axes = given["kernel_size"], len(given["output_size"])
    steps: list[Step] = []
    drawn = False
    for axis, taps in enumerate(kernel, start=len(before) - axes):
        reads, size = before[axis], after[axis]
        step = (reads - taps) / (size - 1) if size > 1 else 0.0
        at = np.arange(size) * step
        first, last = np.floor(at + 1e-9).astype(int), np.ceil(at - 1e-9).astype(int)
        first[-1] = last[-1] = reads - taps
        drawn = drawn or bool((first != last).any())
        steps.append(Take(axis, ranges(reads, first, last + taps)))
    found = edges(source, steps, *targets(node))
    if drawn:
        raise DataDependentError(found)
    return found


@RULES.of("max_unpool2d", "max_unpool3d")
def unpool(node: Node, zeros: Zeros) -> list[Edge]:
    """Each value back to where its pool found the largest: somewhere in its window."""
    source, places, (target,) = node.arguments["self"], node.arguments["indices"], targets(node)
    made = zeros.pooled.get(places) if isinstance(places, Value) else None
    if made is None:
        raise DataDependentError
    read, (_, pooled) = made.arguments["self"], made.outputs
    size = len(node.arguments["output_size"])
    if pooled is None or pooled.shape != places.shape or read.shape[-size:] != target.shape[-size:]:
        raise DataDependentError
    back = backward(pool(made, read.shape, pooled.shape))
    return edges(source, back, target) + edges(places, back, target)


@RULES.moves(*(f"adaptive_{kind}_pool{axes}d" for kind in ("avg", "max") for axes in (1, 2, 3)))
@RULES.moves("_adaptive_avg_pool2d", "_adaptive_avg_pool3d")
def adaptive_pool(node: Node | View, before: Shape, after: Shape) -> list[Step]:
    """Parts along each spatial axis."""
    axes = next(int(digit) for digit in node.operator if digit.isdigit())
    return [
        Reduce((axis,), (before[axis],))
        if after[axis] == 1
        else Take(axis, parts(before[axis], after[axis]))
        for axis in range(len(before) - axes, len(before))
    ]


@RULES.moves("constant_pad_nd")
@RULES.moves(
    *(f"{kind}_pad{axes}d" for kind in ("reflection", "replication") for axes in (1, 2, 3))
)
def pad(node: Node | View, before: Shape, after: Shape) -> list[Step]:
    """Constants before and after, or less than there was; or the border mirrored or repeated."""
    amounts = node.arguments.get("pad", node.arguments.get("padding"))
    steps: list[Step] = []
    for number in range(len(amounts) // 2):
        axis = len(before) - 1 - number
        left, right = amounts[2 * number : 2 * number + 2]
        if left or right:
            links = shifted(before[axis], after[axis], -left)
            if node.operator != "constant_pad_nd":
                at = np.arange(after[axis]) - left
                links = _mirrored(before[axis], at, repeats=node.operator.startswith("repl"))
                links = replace(links, endless=(-left, 1))
            steps.append(Take(axis, links))
    return steps


def _mirrored(reads: int, at: NDArray[np.int64], *, repeats: bool) -> Links:
    index = np.abs(at)
    index = np.where(index >= reads, 2 * (reads - 1) - index, index)
    index = at.clip(0, reads - 1) if repeats else index
    return Taps(reads, index[:, None], clipped=(at < 0) | (at >= reads))


@RULES.moves("im2col")
def im2col(node: Node | View, before: Shape, after: Shape) -> tuple[Step, ...]:
    """Windows of an image as columns: (N, C, H, W) to (N, C kh kw, positions)."""
    takes: list[Step] = []
    counts = []
    for number, axis in enumerate((len(before) - 2, len(before) - 1)):
        kernel, stride, padding, dilation = (
            node.arguments[name][number]
            for name in ("kernel_size", "stride", "padding", "dilation")
        )
        count = (before[axis] + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        first = np.arange(kernel)[:, None] * dilation - padding + np.arange(count) * stride
        takes.append(Take(axis, _at(before[axis], first.reshape(-1, 1))))
        counts.append((kernel, count))
    (kh, nh), (kw, nw) = counts
    apart = (*before[:-2], kh, nh, kw, nw)
    base = len(before) - 2
    order = (*range(base), base, base + 2, base + 1, base + 3)
    moved = tuple(apart[axis] for axis in order)
    taken = (*before[:-2], kh * nh, kw * nw)
    return (*takes, Reshape(taken, apart), Permute(order), Reshape(moved, after))


@RULES.moves("col2im")
def col2im(node: Node | View, before: Shape, after: Shape) -> tuple[Step, ...]:
    """The opposite of `im2col`: overlapping windows are added."""
    return backward(im2col(node, after, before))
