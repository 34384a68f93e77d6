"""Complex numbers whose real and imaginary parts are made of different things, told apart.

`torch.complex(a, b).real` reads `a` alone. Beside a value of such numbers there is one of its real
parts and one of its imaginary ones, through operators that keep them apart, until they are read as
pairs of real numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from archscope.dependence.record.element_moves import MOVING
from archscope.dependence.record.graph import WRITE, Node, Value
from archscope.dependence.rules import Lowered, edges, sources, targets
from archscope.dependence.sets.links import gather
from archscope.dependence.sets.steps import Edge, Keep, Reshape, Step, Take, broadcast

_REAL, _IMAGINARY = PARTS = (1, 2)
_OF_PAIRS = ("view_as_real", "view_as_real_copy")
_MADE_OF_PAIRS = ("view_as_complex", "view_as_complex_copy")
_APART = MOVING | frozenset(
    (
        *("add", "sub", "rsub", "neg", "sum", "mean", "cumsum", "cat", "concatenate", "stack"),
        *("clone", "copy", "alias", "detach", "contiguous", "lift_fresh", "_conj", "conj"),
        *("_conj_physical", "transpose", "permute", "t", "unsqueeze", "where", "masked_fill"),
        *("index", "index_put", "gather", "index_add", "scatter", "scatter_add", WRITE),
    )
)
"""Operators of which each part is made of the same part."""


@dataclass(slots=True)
class Parts:
    """The values whose parts are told apart."""

    apart: set[Value] = field(default_factory=set)

    def told_apart(self, each: Lowered) -> Lowered:
        """Return a node with edges between parts too, where it is known what they are made of."""
        node = each.node
        if node.operator not in ("complex", *_MADE_OF_PAIRS) and self.apart.isdisjoint(
            sources(node)
        ):
            return each
        if node.operator in _OF_PAIRS or _are_laid_out(node):
            return replace(each, edges=tuple(_as_pairs(node)))
        found = _made(node)
        if (node.operator in _APART and not _is_turned(node)) or _is_scaled(node):
            found = self._kept(each.edges)
        self.apart.update(replace(edge.target, part=0) for edge in found)
        return replace(each, edges=(*each.edges, *found))

    def _kept(self, own: Sequence[Edge]) -> list[Edge]:
        """Return edges from each part to the same; what has no parts of its own makes both."""
        return [
            Edge(
                replace(edge.source, part=part) if edge.source in self.apart else edge.source,
                replace(edge.target, part=part),
                edge.steps,
            )
            for edge in own
            for part in PARTS
        ]


def _made(node: Node) -> list[Edge]:
    """Return the edges to parts of numbers that are made of real ones."""
    (target, *_), found = targets(node), []
    if node.operator == "complex":
        for name, part in (("real", _REAL), ("imag", _IMAGINARY)):
            source = node.arguments.get(name)
            if isinstance(source, Value):
                steps = broadcast(source.shape, target.shape)
                found += edges(source, steps, replace(target, part=part))
    elif node.operator in _MADE_OF_PAIRS:
        last = len(target.shape)
        for part in PARTS:
            picked: tuple[Step, ...] = (Take(last, gather(2, [part - 1])),)
            picked += (Reshape((*target.shape, 1), target.shape),)
            found += edges(node.arguments.get("self"), picked, replace(target, part=part))
    return found


def _is_turned(node: Node) -> bool:
    """Return whether a complex factor turns what is added."""
    return isinstance(node.arguments.get("alpha"), complex)


def _is_scaled(node: Node) -> bool:
    """Return whether complex numbers are multiplied by real ones."""
    other = node.arguments.get("other")
    real = isinstance(other, int | float) or (isinstance(other, Tensor) and not other.is_complex())
    return node.operator in ("mul", "div") and real


def _as_pairs(node: Node) -> list[Edge]:
    """Return edges from each part to its place of a pair, along a new last axis or the last."""
    source, (target,) = node.arguments["self"], targets(node)
    padded, pairs = (*source.shape, 1), (*source.shape, 2)
    wide = (Reshape(source.shape, padded), *broadcast(padded, pairs))
    own = np.arange(2).reshape([1] * len(source.shape) + [2])
    laid = Reshape(pairs, target.shape)
    return [
        Edge(replace(source, part=part), target, (*wide, Keep(own == part - 1), laid))
        for part in PARTS
    ]


def _are_laid_out(node: Node) -> bool:
    """Return whether complex numbers are taken for twice as many real ones along the last axis."""
    if node.operator != "view" or not isinstance(node.arguments.get("dtype"), torch.dtype):
        return False
    before, (target,) = node.arguments["self"].shape, targets(node)
    return target.shape == (*before[:-1], 2 * before[-1]) if before else False


def without_unread(lowered: Sequence[Lowered]) -> tuple[Lowered, ...]:
    """Return nodes without the edges to parts that nothing reads."""
    read: set[Value] = set()
    found = []
    for each in reversed(lowered):
        kept = tuple(edge for edge in each.edges if not edge.target.part or edge.target in read)
        read.update(edge.source for edge in kept if edge.source.part)
        found.append(replace(each, edges=kept))
    return tuple(reversed(found))
