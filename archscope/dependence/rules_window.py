"""Rules of operators that look through windows: convolution, pooling, padding, resizing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from archscope.dependence.graph import Node
from archscope.dependence.links import (
    Links,
    Taps,
    from_matrix,
    gather,
    parts,
    shifted,
    transposed_window,
    window,
)
from archscope.dependence.rules import DataDependentError, edges, rule, shape_of, targets
from archscope.dependence.steps import Edge, Mix, Permute, Reduce, Reshape, Step, Take
from archscope.dependence.zeros import Zeros

TINY = 1e-9
"""Weights of interpolation that are smaller are rounding: the tap has weight 0."""


def _each(value: int | Sequence[int], axes: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values


@rule("convolution", "_convolution", "convolution_overrideable", "mkldnn_convolution")
@rule("cudnn_convolution", "_slow_conv2d_forward", "miopen_convolution")
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
    steps: list[Step] = [
        Mix(first - 1, before[first - 1], target.shape[first - 1], given.get("groups", 1))
    ]
    for axis in range(axes):
        make = transposed_window if transposed else window
        links = make(
            before[first + axis],
            target.shape[first + axis],
            kernel=kernel[axis],
            stride=stride[axis],
            padding=padding[axis],
            dilation=dilation[axis],
        )
        steps.append(Take(first + axis, links))
    found = edges(source, steps, target)
    # Weights and biases that the input makes (dynamic convolution) reach every output.
    for name in ("weight", "bias"):
        found += _made_weights(given.get(name), target)
    return found


def _made_weights(weight: Any, target: Any) -> list[Edge]:
    from archscope.dependence.steps import everything

    if weight is None:
        return []
    return edges(weight, everything(shape_of(weight), target.shape), target)


@rule("max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool1d", "avg_pool2d")
@rule("avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d", "mkldnn_max_pool2d")
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


@rule(
    *(
        f"{start}adaptive_{kind}_pool{axes}d"
        for start in ("", "_")
        for kind in ("avg", "max")
        for axes in (1, 2, 3)
    )
)
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


@rule("constant_pad_nd")
def constant_pad(node: Node, zeros: Zeros) -> list[Edge]:
    """Constants before and after, or less than there was."""
    before = shape_of(node.arguments["self"])

    def links(axis: int, left: int, size: int) -> Links:
        return shifted(before[axis], size, -left)

    return _padded(node, links)


@rule(*(f"{kind}_pad{axes}d" for kind in ("reflection", "replication") for axes in (1, 2, 3)))
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


@rule(
    *(
        f"{start}upsample_{kind}"
        for start in ("", "_")
        for kind in (
            "nearest1d",
            "nearest2d",
            "nearest3d",
            "linear1d",
            "bilinear2d",
            "trilinear3d",
            "bicubic2d",
            "bilinear2d_aa",
            "bicubic2d_aa",
            "nearest_exact1d",
            "nearest_exact2d",
            "nearest_exact3d",
        )
    )
)
def resize(node: Node, zeros: Zeros) -> list[Edge]:
    """Each output reads those inputs that have weight in the interpolation, found by trying it."""
    given = node.arguments
    source = given.get("self", given.get("input"))
    (target,) = targets(node)
    before = shape_of(source)
    steps: list[Step] = []
    for number, axis in enumerate(range(2, len(before))):
        links = _resized(node, before[axis], target.shape[axis], number, len(before) - 2)
        steps.append(Take(axis, links))
    return edges(source, steps, target)


def _resized(node: Node, reads: int, size: int, number: int, axes: int) -> Links:
    given, operator = node.arguments, node.operator
    scale = _scale(given, number, axes, reads, size)
    if "nearest" in operator:
        offset = 0.5 if "exact" in operator else 0.0
        index = np.floor((np.arange(size) + offset) / scale).astype(np.int64)
        return gather(reads, index.clip(0, reads - 1))
    mode = "bicubic" if "bicubic" in operator else "bilinear"
    # One axis at a time: each input position is a channel that is 1 there and 0 elsewhere.
    probe = torch.eye(reads, dtype=torch.float64).view(1, reads, 1, reads)
    weights = (
        F.interpolate(
            probe,
            size=None,
            scale_factor=(1.0, float(scale)),
            mode=mode,
            align_corners=given.get("align_corners", False),
            antialias=operator.endswith("_aa"),
            recompute_scale_factor=False,
        )
        if _has_scale(given)
        else F.interpolate(
            probe,
            size=(1, size),
            mode=mode,
            align_corners=given.get("align_corners", False),
            antialias=operator.endswith("_aa"),
        )
    )
    if weights.shape[-1] != size:
        raise DataDependentError
    links = from_matrix((weights[0, :, 0].abs() > TINY).numpy().T)
    return replace(links, clipped=_beyond(operator, reads, size, scale, given))


def _beyond(operator: str, reads: int, size: int, scale: float, given: Any) -> Any:
    """Return which outputs would read beyond the border, where the border is repeated instead."""
    if given.get("align_corners"):
        at = np.arange(size) * ((reads - 1) / max(size - 1, 1))
    else:
        at = (np.arange(size) + 0.5) / scale - 0.5
    wide = 2.0 if "bicubic" in operator else 1.0
    if operator.endswith("_aa"):
        wide *= max(1 / scale, 1.0)
    low, high = np.floor(at - wide + TINY) + 1, np.ceil(at + wide - TINY) - 1
    beyond = (low < 0) | (high > reads - 1)
    return beyond if beyond.any() else None


def _has_scale(given: Any) -> bool:
    return any(given.get(name) for name in ("scale_factors", "scales", "scales_h", "scales_w"))


def _scale(given: Any, number: int, axes: int, reads: int, size: int) -> float:
    factors = given.get("scale_factors")
    if factors:
        return float(factors[number])
    names = {1: ("scales",), 2: ("scales_h", "scales_w"), 3: ("scales_d", "scales_h", "scales_w")}
    found = given.get(names[axes][number])
    return float(found) if found else size / reads


@rule("im2col")
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


@rule("col2im")
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
