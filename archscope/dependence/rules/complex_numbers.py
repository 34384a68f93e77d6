"""Rules of complex numbers, which are pairs of real ones, and of operators in several parts."""

from __future__ import annotations

import numpy as np

from archscope.dependence.record.graph import Node, Shape, View
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    RuleSet,
    edges,
    pointwise,
    shape_of,
    targets,
)
from archscope.dependence.rules.shape import turned
from archscope.dependence.sets.links import from_matrix
from archscope.dependence.sets.steps import (
    Edge,
    Permute,
    Reduce,
    Reshape,
    Step,
    Take,
    broadcast,
)

RULES = RuleSet()

Steps = tuple[Step, ...]


@RULES.of("complex", "polar", "log_sigmoid_forward", "heaviside", "frexp")
@RULES.of("hardswish", "mish", "threshold", "gelu", "abs", "floor_divide", "_prelu_kernel")
@RULES.of("rrelu_with_noise", "rrelu_with_noise_functional", "quantize_per_tensor", "dequantize")
@RULES.of("fake_quantize_per_tensor_affine_cachemask", "fake_quantize_per_channel_affine_cachemask")
@RULES.of("_fake_quantize_per_tensor_affine_cachemask_tensor_qparams")
@RULES.of("_fake_quantize_learnable_per_tensor_affine")
def same_place(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from those at its place."""
    places = [target for target in targets(node) if target.shape]
    found = [edge for edge in pointwise(node, zeros) if edge.target in places]
    return [edge for edge in found if len(edge.source.shape) <= len(edge.target.shape)]


@RULES.of("copysign", "eq", "ne", "ge", "gt", "le", "lt", "gcd", "lcm", "isinf", "isnan", "xlogy")
@RULES.of("mul", "remainder", "__lshift__", "__rshift__")
@RULES.of("__iand__", "__ior__", "__ixor__", "__ilshift__", "__irshift__", "_conj_physical")
@RULES.of("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift")
@RULES.of("elu", "celu", "relu", "leaky_relu", "hardshrink", "hardsigmoid", "hardtanh", "softplus")
@RULES.of("softshrink", "gelu_backward", "threshold_backward", "native_dropout_backward")
def element_by_element(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from those at its place, in forms that torch does not say it of: in place."""
    return pointwise(node, zeros)


@RULES.of("linalg_cross")
def cross(node: Node, zeros: Zeros) -> list[Edge]:
    """Products of vectors of three along one axis: each number from the two others."""
    (target,) = targets(node)
    axis = node.arguments["dim"] % len(target.shape)
    found = []
    for name in ("self", "other"):
        factor = node.arguments[name]
        wide = broadcast(shape_of(factor), target.shape)
        steps = (*wide, Take(axis, from_matrix(~np.eye(3, dtype=np.bool_))))
        found += edges(factor, steps, target)
    return found


@RULES.moves("view_as_complex", "view_as_complex_copy")
def complex_of_pairs(_: Node | View, before: Shape, after: Shape) -> Steps:
    """Pairs along the last axis become numbers."""
    return (Reduce((len(after),), (2,)), Reshape((*after, 1), after))


@RULES.moves("view_as_real", "real", "imag", "view_as_real_copy")
def pairs_of_complex(_: Node | View, before: Shape, after: Shape) -> Steps:
    """Numbers become pairs along a new last axis, or one of each pair."""
    if len(after) == len(before):
        return ()
    padded = (*before, 1)
    return (Reshape(before, padded), *broadcast(padded, after))


@RULES.moves("rot90")
def rotate(node: Node | View, before: Shape, _: Shape) -> list[Step]:
    """A plane turned by quarters."""
    one, two = (axis % len(before) for axis in node.arguments["dims"])
    quarters = node.arguments["k"] % 4
    axes = {0: (), 1: (two,), 2: (one, two), 3: (one,)}[quarters]
    steps: list[Step] = [turned(before, axis) for axis in axes]
    if quarters % 2:
        order = list(range(len(before)))
        order[one], order[two] = two, one
        steps.append(Permute(tuple(order)))
    return steps


@RULES.of("_trilinear")
def trilinear(node: Node, zeros: Zeros) -> list[Edge]:
    """Three factors multiplied, after new axes in each, and summed over some axes."""
    given, (target,) = node.arguments, targets(node)
    factors = [(given[f"i{n}"], sorted(given[f"expand{n}"])) for n in (1, 2, 3)]
    padded = [_inserted(shape_of(factor), axes) for factor, axes in factors]
    whole = tuple(map(max, zip(*padded, strict=True)))
    summed = tuple(sorted(axis % len(whole) for axis in given["sumdim"]))
    ones = tuple(1 if axis in summed else size for axis, size in enumerate(whole))
    found = []
    for (factor, _), shape in zip(factors, padded, strict=True):
        steps = (
            Reshape(shape_of(factor), shape),
            *broadcast(shape, whole),
            Reduce(summed, tuple(whole[axis] for axis in summed)),
            Reshape(ones, target.shape),
        )
        found += edges(factor, steps, target)
    return found


def _inserted(shape: tuple[int, ...], axes: list[int]) -> tuple[int, ...]:
    sizes = list(shape)
    for axis in axes:
        sizes.insert(axis, 1)
    return tuple(sizes)
