"""Where constants come in that differ from place to place: tables of positions, coordinates.

A part of the input is not what it was in the whole, unless it is told where it begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from archscope.dependence.record.fact_rules import BLOCKED
from archscope.dependence.record.graph import Node, Shape
from archscope.dependence.sets.patterns import Pattern
from archscope.dependence.sets.sets import firsts
from archscope.dependence.sets.terms import Terms

FEWEST = 8
"""Positions of a table from which its ends are left out."""
MOST_PERIODS = 64
"""Positions at which a constant may begin again, of which it is asked whether it does."""
_BESIDE = frozenset(("cat", "concatenate"))
_BY_ELEMENTS = frozenset(("add", "sub", "rsub", "mul", "div", "where", "addcmul", "lerp"))


def has_table(node: Node, made: Terms, shape: Shape, sizes: Shape) -> bool:
    """Return whether a constant among what a node reads goes by the places of the input.

    `made` is what its result of a shape sees of positions along axes of some sizes. One that is as
    long as a window, and the same for each, does not; nor does a mask, of which the sets tell.
    """
    constants = [one for one in constants_of(node) if sizes and _varies(one, len(shape))]
    beside = node.arguments["dim"] % len(shape) if node.operator in _BESIDE else None
    return any(
        _goes_along_the_input(pattern, axis, size) and _is_place_by_place(constant, own)
        for constant in constants
        for term in made
        for pattern, size in zip(term.sets, sizes, strict=True)
        for axis in pattern.units
        if (own := axis - (len(shape) - constant.dim())) >= 0
        and axis != beside
        and constant.shape[own] > 1
    )


def constants_of(node: Node) -> Iterator[Tensor]:
    """Yield the constants that a node puts beside elements, or takes by elements."""
    if node.operator in _BESIDE:
        yield from _tensors(node.arguments["tensors"])
    elif node.operator in _BY_ELEMENTS:
        yield from _tensors(node.arguments.values())


def _tensors(leaves: Any) -> Iterator[Tensor]:
    return (leaf for leaf in leaves if isinstance(leaf, Tensor))


def _varies(constant: Tensor, rank: int) -> bool:
    if type(constant).__torch_dispatch__ is not Tensor.__torch_dispatch__:
        return False  # packed weights, which know few operators
    if constant.layout is not torch.strided:
        return False
    if constant.numel() < 2 or constant.dim() > rank or not constant.is_floating_point():
        return False
    if constant.is_meta:
        return True
    numbers = constant.detach().double()  # few operators know numbers of 8 bits
    is_mask = (numbers == 0) | (numbers == 1) | (numbers <= BLOCKED)
    return not bool(is_mask.all())


def _is_place_by_place(constant: Tensor, axis: int) -> bool:
    return constant.is_meta or not _repeats(constant.movedim(axis, 0))


def _repeats(constant: Tensor) -> bool:
    """Return whether a constant is alike all along its first axis but for the ends, or over again,
    as the sum of windows is by which their overlap is divided.
    """
    size = len(constant)
    inner = constant if size < FEWEST else constant[size // 4 : size - size // 4]
    rows = inner.reshape(len(inner), -1).double()
    line = rows @ torch.arange(1, rows.shape[1] + 1, device=rows.device).double().sin()
    again = torch.isclose(line[1 : len(line) // 2 + 1], line[0]).nonzero()[:MOST_PERIODS, 0] + 1
    return any(torch.allclose(line[each:], line[:-each]) for each in again.tolist())


def _goes_along_the_input(pattern: Pattern, axis: int, size: int) -> bool:
    """Return whether what is seen moves by half of the input at least, from end to end."""
    units = [0] * len(pattern.shape)
    first = pattern.at(units)
    units[axis] = pattern.shape[axis] - 1
    return 2 * abs(int(firsts(pattern.at(units))[0] - firsts(first)[0])) >= size
