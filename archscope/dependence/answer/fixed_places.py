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
LONGEST_PERIOD = 1_024
"""Positions after which a constant must repeat to be none that goes by places."""
_BESIDE = frozenset(("cat", "concatenate"))
_BY_ELEMENTS = frozenset(("add", "sub", "rsub", "mul", "div", "where", "addcmul", "lerp"))


def has_table(node: Node, made: Terms, shape: Shape) -> bool:
    """Return whether a constant among what a node reads goes by the places of the input.

    `made` is what its result of a shape sees. One that is as long as a window, and the same for
    each, does not; nor does a mask, of which the sets tell.
    """
    constants = [one for one in constants_of(node) if _varies(one, len(shape))]
    return any(
        _is_place_by_place(constant, axis - (len(shape) - constant.dim()))
        for constant in constants
        for term in made
        for pattern in term.sets
        for axis in pattern.units
        if _goes_along_the_input(pattern, axis)
        and not (node.operator in _BESIDE and axis == node.arguments["dim"] % len(shape))
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
    if constant.numel() < 2 or constant.dim() > rank or not constant.is_floating_point():
        return False
    if constant.is_meta:
        return True
    is_mask = (constant == 0) | (constant == 1) | (constant <= BLOCKED)
    return not bool(is_mask.all())


def _is_place_by_place(constant: Tensor, axis: int) -> bool:
    if axis < 0 or constant.shape[axis] < 2:
        return False
    return constant.is_meta or not _repeats(constant.movedim(axis, 0))


def _repeats(constant: Tensor) -> bool:
    """Return whether a constant is alike all along its first axis but for the ends, or over again,
    as the sum of windows is by which their overlap is divided.
    """
    size = len(constant)
    inner = constant if size < FEWEST else constant[size // 4 : size - size // 4]
    periods = range(1, min(len(inner) // 2, LONGEST_PERIOD) + 1)
    return any(torch.allclose(inner[each:], inner[:-each]) for each in periods)


def _goes_along_the_input(pattern: Pattern, axis: int) -> bool:
    """Return whether what is seen moves by half of the input at least, from end to end."""
    units = [0] * len(pattern.shape)
    first = pattern.at(units)
    units[axis] = pattern.shape[axis] - 1
    size = int(pattern.sets.widths(pattern.everything).max())
    return 2 * abs(int(firsts(pattern.at(units))[0] - firsts(first)[0])) >= size
