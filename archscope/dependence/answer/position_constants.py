"""Where constants come in that differ from place to place: tables of positions, coordinates.

A part of the input is not what it was in the whole, unless it is told where it begins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archscope.dependence.record.fact_rules import BLOCKED, is_stand_in
from archscope.dependence.record.graph import Node, Shape
from archscope.dependence.record.recipes import made_again
from archscope.dependence.sets.lines import Line
from archscope.dependence.sets.patterns import Pattern
from archscope.dependence.sets.sets import firsts
from archscope.dependence.sets.steps import (
    Edge,
    Mix,
    Permute,
    Reduce,
    ReduceWhere,
    Reshape,
    Step,
    Take,
)
from archscope.dependence.sets.terms import Terms
from archscope.records import frozen

FEWEST = 8
"""Positions of a table from which its ends are left out."""
MOST_PERIODS = 64
"""Positions at which a constant may begin again, of which it is asked whether it does."""
MOST_NUMBERS = 1 << 18
"""Numbers of a constant up to which it is asked after how many places it begins again."""
_BESIDE = frozenset(("cat", "concatenate"))
_BY_ELEMENTS = frozenset(
    (
        *("add", "sub", "rsub", "mul", "div", "where", "addcmul", "addcdiv", "lerp"),
        *("maximum", "minimum", "fmax", "fmin", "pow", "remainder", "fmod", "atan2", "hypot"),
        *("lt", "le", "gt", "ge"),
    )
)
_FACTORS = {
    "mm": ("self", "mat2"),
    "bmm": ("self", "mat2"),
    "addmm": ("mat1", "mat2"),
    "baddbmm": ("batch1", "batch2"),
}
"""Operators that multiply matrices, and the names of the left and the right one."""


@frozen
class Constant:
    """A constant among what a node reads."""

    numbers: Tensor
    axes: Mapping[int, int]
    """Its axes, by the axes of the result that they lie along."""
    summed: int | None = None
    """Its axis that is summed over: of a matrix, whose rows may be those of a convolution."""


def placed_axes(node: Node, shape: Shape, before: Collection[int]) -> frozenset[int]:
    """Return the axes of a node's result along which it differs from place to place by constants.

    Those of what it reads, and those of constants among it. One that is the same over again does
    not, nor does a mask, of which the sets tell.
    """
    beside = node.arguments["dim"] % len(shape) if node.operator in _BESIDE else None
    return frozenset(before) | {
        axis
        for constant in constants_of(node, shape)
        if _varies(constant.numbers)
        for axis, own in constant.axes.items()
        if axis != beside
        and axis not in before
        and constant.numbers.shape[own] > 1
        and _is_place_by_place(constant, own)
    }


def periods(node: Node, made: Terms, shape: Shape, sizes: Shape) -> Iterator[tuple[int, int]]:
    """Yield axes of the input along which constants begin again, and after how many positions.

    So a chessboard does after two, of which no set along one axis tells.
    """
    alone = () if node.operator in _BESIDE else constants_of(node, shape)
    known = [one for one in alone if _is_small(one.numbers)]
    for term in made if known else ():
        for number, (pattern, size) in enumerate(zip(term.sets, sizes, strict=bool(sizes))):
            for axis in pattern.units:
                for constant in known:
                    own = constant.axes.get(axis)
                    many = own is not None and constant.numbers.shape[own] > 1
                    if not many or not _goes_along_the_input(pattern, axis, size):
                        continue
                    rows = _rows(constant, own or 0)
                    period = None if rows is None else _period(rows)
                    jump = _jump(pattern, axis, size)
                    yield number, (jump * (period or 1)).numerator


def strides(edges: Iterable[Edge], made: Terms, sizes: Shape) -> Iterator[tuple[int, int]]:
    """Yield axes of the input, and after how many positions what a node makes repeats, where it
    makes more or fewer of the positions of a map."""
    steps = (step for edge in edges for step in edge.steps)
    if not any(isinstance(step, Take) and step.links.size != step.links.reads for step in steps):
        return
    for term in made:
        for number, (pattern, size) in enumerate(zip(term.sets, sizes, strict=bool(sizes))):
            for axis in pattern.units:
                cycle = _line(pattern, axis, size).cycle
                if cycle is not None and cycle[1] > 1:
                    yield number, cycle[1]


def _jump(pattern: Pattern, axis: int, size: int) -> Fraction:
    """Return the positions of the input from place to place along an axis of what is seen."""
    return _line(pattern, axis, size).jump or Fraction(size, pattern.shape[axis])


def _line(pattern: Pattern, axis: int, size: int) -> Line:
    rows = np.moveaxis(pattern.expanded(axis), axis, 0).reshape(pattern.shape[axis], -1)
    return Line(size, rows[:, 0], pattern.sets)


def _is_small(constant: Tensor) -> bool:
    """Return whether a constant has not too many values to be looked through."""
    plain = type(constant).__torch_dispatch__ is Tensor.__torch_dispatch__
    if not plain or constant.layout is not torch.strided or constant.is_complex():
        return False
    return 1 < constant.numel() <= MOST_NUMBERS


def by_distance(node: Node, shape: Shape, axes: Collection[int]) -> frozenset[int]:
    """Return the axes of two among some along which a constant goes by how far apart places are.

    So does what is taken off scores for each step between them (Press et al. 2022), and a bias
    that is learned for each distance (Raffel et al. 2020).
    """
    found: set[int] = set()
    for constant in constants_of(node, shape):
        own = [axis for axis in axes if constant.numbers.shape[constant.axes.get(axis, 0)] > 1]
        pairs = [axis for axis in own if axis in constant.axes]
        if len(pairs) != 2 or constant.summed is not None:
            continue
        numbers = _numbers(constant.numbers)
        if numbers is None:
            continue
        moved = numbers.movedim([constant.axes[axis] for axis in pairs], [0, 1])
        if torch.allclose(moved[1:, 1:], moved[:-1, :-1]):
            found.update(pairs)
    return frozenset(found)


def _numbers(constant: Tensor) -> Tensor | None:
    """Return a constant's numbers; of a learned one random ones, alike where it is whatever is
    learned. None: they are not known."""
    if constant.is_meta or is_stand_in(constant.double()):
        return made_again(constant)
    return constant.double()


def go_along(made: Terms, sizes: Shape) -> frozenset[int]:
    """Return the axes along which what is seen of positions goes from end to end of the input.

    Not those of one window, which are the same for each.
    """
    return frozenset(
        axis
        for term in made
        for pattern, size in zip(term.sets, sizes, strict=bool(sizes))
        for axis in pattern.units
        if _goes_along_the_input(pattern, axis, size)
    )


def carried(steps: Sequence[Step], axes: Collection[int]) -> frozenset[int]:
    """Return where axes are after some steps; those that are not left as they were are not there.

    So a shift of scores by their row makes distances of places.
    """
    left = set(axes)
    for step in steps if left else ():
        match step:
            case Permute(order=order):
                left = {new for new, old in enumerate(order) if old in left}
            case Reshape(before=before, after=after):
                kept = {prod(after[:at]): at for at, size in enumerate(after) if size > 1}
                moved = {axis: kept.get(prod(before[:axis]), -1) for axis in left}
                left = {at for axis, at in moved.items() if at >= 0 and after[at] == before[axis]}
            case Take(axis=axis, links=links) if not links.is_identity:
                left -= {axis}
            case Mix(axis=axis) | ReduceWhere(axis=axis):
                left -= {axis}
            case Reduce(axes=lost):
                left -= set(lost)
    return frozenset(left)


def constants_of(node: Node, shape: Shape) -> Iterator[Constant]:
    """Yield what a node puts beside elements, takes by elements, or multiplies as a matrix."""
    if node.operator in _BESIDE:
        yield from _by_elements(node.arguments["tensors"], len(shape))
    elif node.operator in _BY_ELEMENTS:
        yield from _by_elements(node.arguments.values(), len(shape))
    elif node.operator in _FACTORS:
        yield from _matrices(node, len(shape))


def _by_elements(leaves: Any, rank: int) -> Iterator[Constant]:
    for leaf in _tensors(leaves):
        if (less := rank - leaf.dim()) >= 0:
            yield Constant(numbers=leaf, axes={at: at - less for at in range(less, rank)})


def _matrices(node: Node, rank: int) -> Iterator[Constant]:
    left, right = (node.arguments[name] for name in _FACTORS[node.operator])
    for matrix, own, summed in ((left, rank - 2, rank - 1), (right, rank - 1, rank - 2)):
        if isinstance(matrix, Tensor):
            axes = {axis: axis for axis in (*range(rank - 2), own)}
            yield Constant(numbers=matrix, axes=axes, summed=summed)


def _tensors(leaves: Any) -> Iterator[Tensor]:
    return (leaf for leaf in leaves if isinstance(leaf, Tensor))


def _varies(constant: Tensor) -> bool:
    if type(constant).__torch_dispatch__ is not Tensor.__torch_dispatch__:
        return False  # packed weights, which know few operators
    if constant.layout is not torch.strided:
        return False
    if constant.numel() < 2 or not constant.is_floating_point():
        return False
    if constant.is_meta:
        return True
    # Few operators know numbers of 8 bits, and none of 16 tells what is blocked.
    numbers = constant.detach() if constant.element_size() >= 4 else constant.detach().double()
    corner = numbers[(slice(1),) * numbers.dim()]  # which tells most of those that are no masks
    return not (_is_mask(corner) and _is_mask(numbers))


def _is_mask(numbers: Tensor) -> bool:
    return bool(((numbers == 0) | (numbers == 1) | (numbers <= BLOCKED)).all())


def _is_place_by_place(constant: Constant, axis: int) -> bool:
    rows = _rows(constant, axis)
    return rows is None or _period(rows) is None


def _rows(constant: Constant, axis: int) -> Tensor | None:
    """Return a constant's numbers by the places of an axis; None: they are not known.

    Of a matrix each row begins with its first that is not zero: so those of a convolution are
    alike.
    """
    numbers = _numbers(constant.numbers)
    if numbers is None:
        return None
    rows = numbers.movedim(axis, 0)
    if constant.summed is not None:
        rows = _from_the_first(rows, constant.summed + (constant.summed < axis))
    return rows


def _from_the_first(rows: Tensor, axis: int) -> Tensor:
    """Return numbers along an axis moved so that the first that is not zero comes first."""
    first = (rows != 0).byte().argmax(axis, keepdim=True)
    places = torch.arange(rows.shape[axis], device=rows.device)
    along = [-1 if at == axis % rows.dim() else 1 for at in range(rows.dim())]
    return rows.gather(axis, (first + places.view(along)) % rows.shape[axis])


def _period(constant: Tensor) -> int | None:
    """Return after how many places a constant is the same along its first axis but for the ends: 1
    where it is alike, more as of the sum of windows by which their overlap is divided; None: never.
    """
    size = len(constant)
    inner = constant if size < FEWEST else constant[size // 4 : size - size // 4]
    rows = inner.reshape(len(inner), -1).double()
    line = rows @ torch.arange(1, rows.shape[1] + 1, device=rows.device).double().sin()
    again = torch.isclose(line[1 : len(line) // 2 + 1], line[0]).nonzero()[:MOST_PERIODS, 0] + 1
    same = (each for each in again.tolist() if torch.allclose(line[each:], line[:-each]))
    return next(same, None)


def _goes_along_the_input(pattern: Pattern, axis: int, size: int) -> bool:
    """Return whether what is seen moves by half of the input at least, from end to end.

    Of scores the query goes along with the row, and the key with the column: of the first row an
    end alone does.
    """
    ends = [_held_at(pattern, axis, unit) for unit in (0, pattern.shape[axis] - 1)]
    if not all(map(len, ends)):  # a mask hides all of a row
        filled = np.flatnonzero(pattern.filled(axis))
        ends = [_held_at(pattern, axis, unit) for unit in (*filled[:1], *filled[-1:])]
    if not ends:
        return False
    one, other = ends
    begin = int(firsts(other)[0] - firsts(one)[0])
    end = begin + int(pattern.sets.widths(other)[0] - pattern.sets.widths(one)[0])
    return 2 * max(abs(begin), abs(end)) >= size


def _held_at(pattern: Pattern, axis: int, unit: int) -> NDArray[np.int64]:
    """Return the first set at one place of an axis that holds anything, as an array of one entry or
    of none."""
    entries = pattern.entries.take(int(pattern.index(axis)[unit]), axis=axis).reshape(-1)
    if not pattern.sets.held(entries[:1]).any():
        entries = entries[pattern.sets.held(entries)]
    return np.asarray(entries[:1])
