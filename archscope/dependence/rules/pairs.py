"""Rules of complex numbers, which are pairs of real ones, and of operators in several parts."""

from __future__ import annotations

import numpy as np

from archscope.dependence.record.graph import Node, Value
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import (
    DataDependentError,
    RuleSet,
    edges,
    pointwise,
    shape_of,
    targets,
)
from archscope.dependence.sets.links import gather
from archscope.dependence.sets.steps import (
    Edge,
    Permute,
    Reduce,
    Reshape,
    Spread,
    Step,
    Take,
    broadcast,
    everything,
)

RULES = RuleSet()


@RULES.of("complex", "polar", "log_sigmoid_forward", "bucketize", "heaviside", "frexp", "isin")
@RULES.of("hardswish", "mish", "threshold", "gelu", "abs", "floor_divide", "_prelu_kernel")
@RULES.of("rrelu_with_noise", "rrelu_with_noise_functional", "quantize_per_tensor", "dequantize")
@RULES.of("fake_quantize_per_tensor_affine_cachemask", "fake_quantize_per_channel_affine_cachemask")
@RULES.of("_fake_quantize_per_tensor_affine_cachemask_tensor_qparams", "searchsorted")
@RULES.of("_fake_quantize_learnable_per_tensor_affine")
def same_place(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from those at its place."""
    tables = ("sorted_sequence", "boundaries", "test_elements")
    if any(isinstance(node.arguments.get(name), Value) for name in tables):
        raise DataDependentError
    places = [target for target in targets(node) if target.shape]
    found = [edge for edge in pointwise(node, zeros) if edge.target in places]
    return [edge for edge in found if len(edge.source.shape) <= len(edge.target.shape)]


@RULES.of("zero", "uniform", "normal", "random", "exponential", "log_normal", "cauchy", "geometric")
def forgotten(node: Node, zeros: Zeros) -> list[Edge]:
    """Written over, whatever it was."""
    return []


@RULES.of("linalg_cross")
def cross(node: Node, zeros: Zeros) -> list[Edge]:
    """Products of vectors of three along one axis."""
    (target,) = targets(node)
    axis = node.arguments["dim"] % len(target.shape)
    found = []
    for name in ("self", "other"):
        factor = node.arguments[name]
        wide = broadcast(shape_of(factor), target.shape)
        found += edges(factor, (*wide, Reduce((axis,), (3,)), Spread((axis,), (3,))), target)
    return found


@RULES.of("view_as_complex", "view_as_complex_copy")
def complex_of_pairs(node: Node, zeros: Zeros) -> list[Edge]:
    """Pairs along the last axis become numbers."""
    source, (target,) = node.arguments["self"], targets(node)
    before = shape_of(source)
    last = len(before) - 1
    return edges(source, (Reduce((last,), (2,)), Reshape((*before[:-1], 1), before[:-1])), target)


@RULES.of("view_as_real", "real", "imag", "view_as_real_copy")
def pairs_of_complex(node: Node, zeros: Zeros) -> list[Edge]:
    """Numbers become pairs along a new last axis, or one of each pair."""
    source, target = node.arguments["self"], targets(node)[0]
    before = shape_of(source)
    if len(target.shape) == len(before):
        return edges(source, (), target)
    padded = (*before, 1)
    return edges(source, (Reshape(before, padded), *broadcast(padded, target.shape)), target)


@RULES.of("rot90")
def rotate(node: Node, zeros: Zeros) -> list[Edge]:
    """A plane turned by quarters."""
    source, (target,) = node.arguments["self"], targets(node)
    shape = shape_of(source)
    one, two = (axis % len(shape) for axis in node.arguments["dims"])
    quarters = node.arguments["k"] % 4
    turned = {0: (), 1: (two,), 2: (one, two), 3: (one,)}[quarters]
    steps: list[Step] = [
        Take(axis, gather(shape[axis], np.arange(shape[axis])[::-1].copy())) for axis in turned
    ]
    if quarters % 2:
        order = list(range(len(shape)))
        order[one], order[two] = two, one
        steps.append(Permute(tuple(order)))
    return edges(source, steps, target)


@RULES.of("affine_grid_generator")
def affine_grid(node: Node, zeros: Zeros) -> list[Edge]:
    """A grid (N, H, W, 2) from one matrix (N, 2, 3) each."""
    source, (target,) = node.arguments["theta"], targets(node)
    return edges(source, everything(shape_of(source), target.shape), target)


@RULES.of(
    *("mse_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "soft_margin_loss"),
    *("nll_loss_forward", "nll_loss2d_forward", "multilabel_margin_loss_forward"),
)
def loss(node: Node, zeros: Zeros) -> list[Edge]:
    """One number from everything, or one for each element."""
    found = []
    for target in targets(node):
        for source in node.arguments.values():
            if isinstance(source, Value):
                alike = source.shape == target.shape
                steps = () if alike else everything(source.shape, target.shape)
                found += edges(source, steps, target)
    return found


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


@RULES.of("mv", "addmv")
def matrix_by_vector(node: Node, zeros: Zeros) -> list[Edge]:
    """Rows (n, m) times a vector (m,)."""
    given, (target,) = node.arguments, targets(node)
    matrix, vector = (
        (given["self"], given["vec"]) if node.operator == "mv" else (given["mat"], given["vec"])
    )
    rows, columns = shape_of(matrix)
    steps = (Reduce((1,), (columns,)), Reshape((rows, 1), (rows,)))
    found = edges(matrix, steps, target)
    found += edges(vector, (Reduce((0,), (columns,)), Spread((0,), (rows,))), target)
    if node.operator == "addmv":
        found += edges(given["self"], broadcast(shape_of(given["self"]), target.shape), target)
    return found
