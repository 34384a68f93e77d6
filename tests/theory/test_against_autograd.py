"""Random stacks and branch sets against float64 autograd masks of the real torch modules.

All weights are positive and nothing is non-linear, so that a gradient is zero only where there is
no path: support is compared position by position, at outputs in the middle and at the borders.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archscope.errors import UsageError
from archscope.theory.branches import Path, union
from archscope.theory.layers import (
    Layer,
    Stack,
    conv,
    linear,
    nearest,
    output_size,
    pool,
    sizes,
    transposed,
)
from archscope.theory.units import seen_by

CONV = {1: F.conv1d, 2: F.conv2d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d}
POOL: dict[int, Any] = {1: F.avg_pool1d, 2: F.avg_pool2d}
LINEAR = {1: "linear", 2: "bilinear"}


def layers(kind: str) -> st.SearchStrategy[Layer]:
    small = st.integers(1, 3)
    match kind:
        case "conv":
            sides = st.tuples(st.integers(0, 4), st.integers(0, 4))
            return st.builds(
                conv, st.integers(1, 4), stride=small, dilation=st.integers(1, 4), padding=sides
            )
        case "pool":
            return st.integers(1, 4).flatmap(
                lambda kernel: st.builds(
                    pool,
                    st.just(kernel),
                    stride=small,
                    padding=st.integers(0, kernel // 2),
                    ceil_mode=st.booleans(),
                )
            )
        case "transposed":
            return st.integers(1, 3).flatmap(
                lambda stride: st.builds(
                    transposed,
                    st.integers(1, 4),
                    stride=st.just(stride),
                    dilation=st.integers(1, 2),
                    padding=st.integers(0, 1),
                    output_padding=st.integers(0, stride - 1),
                )
            )
        case "nearest":
            return st.builds(nearest, small)
        case _:
            return st.builds(linear, small)


@st.composite
def paths(draw: st.DrawFn, axes: int, kinds: tuple[str, ...], most: int) -> Path:
    """One path: layers of one kind on all axes, with each axis its own numbers."""
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=most))
    drawn = [tuple(draw(layers(kind)) for _ in range(axes)) for kind in chosen]
    alike = [_alike(layer) for layer in drawn]
    return tuple(zip(*alike, strict=True))


def _alike(layer: tuple[Layer, ...]) -> tuple[Layer, ...]:
    # PyTorch knows ceil_mode for all axes of a layer at once.
    first, *others = layer
    return (
        first,
        *(
            Layer(
                kernel=other.kernel,
                stride=other.stride,
                dilation=other.dilation,
                padding=other.padding,
                kind=other.kind,
                ceil_mode=first.ceil_mode,
            )
            for other in others
        ),
    )


def run(path: Path, x: torch.Tensor) -> torch.Tensor:
    """Run one path for real: x and the result are (1, 1, *axes)."""
    for layer in zip(*path, strict=True):
        x = _run_layer(layer, x)
    return x


def _run_layer(layer: tuple[Layer, ...], x: torch.Tensor) -> torch.Tensor:
    axes, kind = len(layer), layer[0].kind
    stride = tuple(axis.stride for axis in layer)
    kernel = tuple(axis.kernel for axis in layer)
    dilation = tuple(axis.dilation for axis in layer)
    before = tuple(axis.padding[0] for axis in layer)
    weight = torch.ones(1, 1, *kernel, dtype=torch.float64)
    if kind == "conv":
        sides = [side for axis in reversed(layer) for side in axis.padding]
        return CONV[axes](F.pad(x, sides), weight, stride=stride, dilation=dilation)
    if kind == "pool":
        return POOL[axes](x, kernel, stride, before, ceil_mode=layer[0].ceil_mode)
    if kind == "transposed":
        more = tuple(axis.padding[0] - axis.padding[1] for axis in layer)
        return TRANSPOSED[axes](
            x,
            weight,
            stride=stride,
            padding=before,
            output_padding=more,
            dilation=dilation,
        )
    scale = tuple(float(factor) for factor in stride)
    if kind == "nearest":
        return F.interpolate(x, scale_factor=scale, mode="nearest")
    return F.interpolate(x, scale_factor=scale, mode=LINEAR[axes], align_corners=False)


def output_sizes(path: Path, size: tuple[int, ...]) -> tuple[int, ...]:
    """Return the map sizes after a path; rejects examples whose maps vanish or explode."""
    found = []
    for stack, length in zip(path, size, strict=True):
        try:
            maps = sizes(stack, length)
        except UsageError:
            assume(False)
        assume(max(maps) <= 60)
        found.append(maps[-1])
    return tuple(found)


def units(size: tuple[int, ...]) -> set[tuple[int, ...]]:
    """The first, second, middle and last outputs, borders included."""
    lines = [[0, min(1, length - 1), length // 2, length - 1] for length in size]
    return set(zip(*lines, strict=True)) | {tuple(line[i % 4] for i, line in enumerate(lines))}


def gradient(y: torch.Tensor, x: torch.Tensor, unit: tuple[int, ...]) -> torch.Tensor:
    (found,) = torch.autograd.grad(y[(0, 0, *unit)], x, retain_graph=True)
    return found[0, 0]


def positions(mask: torch.Tensor) -> set[tuple[int, ...]]:
    return {tuple(position) for position in mask.nonzero().tolist()}


def zeros(size: tuple[int, ...]) -> torch.Tensor:
    return torch.zeros(1, 1, *size, dtype=torch.float64, requires_grad=True)


ALL = ("conv", "conv", "pool", "transposed", "nearest", "linear")
profile = settings(max_examples=30, deadline=None, derandomize=True, database=None)


@profile
@given(paths(1, ALL, 5), st.integers(6, 20))
def test_stacks_in_one_dimension(path: Path, length: int) -> None:
    size = output_sizes(path, (length,))
    x = zeros((length,))
    y = run(path, x)
    assert tuple(y.shape[2:]) == size
    for unit in units(size):
        seen = {(position,) for position in seen_by(path[0], unit[0], input_size=length)}
        assert seen == positions(gradient(y, x, unit) != 0)


@settings(profile, max_examples=25)
@given(paths(2, ALL, 4), st.integers(5, 11), st.integers(5, 11))
def test_stacks_in_two_dimensions(path: Path, height: int, width: int) -> None:
    size = output_sizes(path, (height, width))
    x = zeros((height, width))
    y = run(path, x)
    assert tuple(y.shape[2:]) == size
    for unit in units(size):
        seen = seen_by_all([path], unit, (height, width))
        assert seen == positions(gradient(y, x, unit) != 0)


@settings(profile, max_examples=25)
@given(st.lists(paths(1, ALL, 3), min_size=2, max_size=3), st.integers(8, 16))
def test_branches_in_one_dimension(branches: list[Path], length: int) -> None:
    check_branches(branches, (length,))


@settings(profile, max_examples=20)
@given(st.lists(paths(2, ALL, 3), min_size=2, max_size=3), st.integers(6, 10), st.integers(6, 10))
def test_branches_in_two_dimensions(branches: list[Path], height: int, width: int) -> None:
    check_branches(branches, (height, width))


def seen_by_all(
    paths: list[Path], unit: tuple[int, ...], size: tuple[int, ...]
) -> set[tuple[int, ...]]:
    """Return the input positions that one output sees through any path, borders included."""
    found: set[tuple[int, ...]] = set()
    for path in paths:
        axes = zip(path, unit, size, strict=True)
        found.update(product(*(seen_by(stack, at, input_size=bound) for stack, at, bound in axes)))
    return found


def check_branches(branches: list[Path], size: tuple[int, ...]) -> None:
    outputs = [output_sizes(path, size) for path in branches]
    common = tuple(map(min, zip(*outputs, strict=True)))
    x = zeros(size)
    crop = (..., *(slice(0, length) for length in common))
    y = sum((run(path, x)[crop] for path in branches), torch.zeros(()))
    for unit in units(common):
        seen = seen_by_all(branches, unit, size)
        assert seen == positions(gradient(y, x, unit) != 0)


@settings(profile, max_examples=25)
@given(paths(1, ("conv", "conv", "transposed", "nearest"), 4), st.integers(6, 16))
def test_path_counts_are_gradients_of_ones(path: Path, length: int) -> None:
    size = output_sizes(path, (length,))
    x = zeros((length,))
    y = run(path, x)
    for unit in units(size):
        counts = seen_by(path[0], unit[0], input_size=length)
        found = gradient(y, x, unit)
        assert {at: float(number) for at, number in counts.items()} == {
            at: float(found[at]) for at in range(length) if found[at]
        }


@settings(profile, max_examples=30)
@given(st.lists(paths(2, ("conv",), 2), min_size=1, max_size=3))
def test_unions_away_from_the_borders(branches: list[Path]) -> None:
    still = [tuple(tuple(_unstrided(layer) for layer in stack) for stack in p) for p in branches]
    length = 49
    x = zeros((length, length))
    crop = (..., slice(0, 20), slice(0, 20))
    # Unit 12 less the padding stays inside: at most 2 * 3 * 4 = 24 positions to its right.
    y = sum((run(path, x)[crop] for path in still), torch.zeros(()))
    seen = positions(gradient(y, x, (12, 12)) != 0)
    row = union(still)
    assert row.touched == len(seen)
    for axis, found in enumerate(row.axes):
        along = {position[axis] for position in seen}
        assert (found.touched, found.start + 12) == (len(along), min(along))
        assert found.hull == max(along) - min(along) + 1


def _unstrided(layer: Layer) -> Layer:
    return conv(layer.kernel, dilation=layer.dilation, padding=layer.padding)


# PyTorch warns once that it copies the input.
@pytest.mark.filterwarnings("ignore:Using padding=.same.:UserWarning")
@pytest.mark.parametrize("kernel", [2, 4])
def test_same_padding_of_an_even_kernel_is_pytorchs(kernel: int) -> None:
    stack: Stack = (conv(kernel),)
    x = zeros((12,))
    y = F.conv1d(x, torch.ones(1, 1, kernel, dtype=torch.float64), padding="same")
    for unit in range(output_size(stack[0], 12)):
        seen = {(position,) for position in seen_by(stack, unit, input_size=12)}
        assert seen == positions(gradient(y, x, (unit,)) != 0)
