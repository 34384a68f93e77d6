"""Complex numbers whose real and imaginary parts are made of different things, told apart.

`torch.complex(a, b).real` reads `a` alone. Beside a value of such numbers there is one of its real
parts and one of its imaginary ones, through operators that keep them apart, until they are read as
pairs of real numbers. A real number among complex ones is their real part.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from archscope.dependence.record.element_moves import MOVING, Mask, ranked
from archscope.dependence.record.graph import PARTS, WRITE, Graph, Node, Value
from archscope.dependence.rules import Lowered, edges, sources, targets
from archscope.dependence.sets.links import gather
from archscope.dependence.sets.steps import Edge, Keep, Reshape, Step, Take, broadcast

_REAL, _IMAGINARY = PARTS
_OF_PAIRS = ("view_as_real", "view_as_real_copy")
_MADE_OF_PAIRS = ("view_as_complex", "view_as_complex_copy")
_APART = MOVING | frozenset(
    (
        *("add", "sub", "rsub", "neg", "sum", "mean", "cumsum", "cat", "concatenate", "stack"),
        *("clone", "copy", "_to_copy", "alias", "detach", "contiguous", "lift_fresh"),
        *("_conj", "conj", "_conj_physical", "transpose", "permute", "t", "unsqueeze"),
        *("where", "masked_fill", "index", "index_put", "gather", "index_add", "index_copy"),
        *("scatter", "scatter_add", "select_scatter", "slice_scatter", WRITE),
        *(f"{kind}_pad{axes}d" for kind in ("reflection", "replication") for axes in (1, 2, 3)),
    )
)
"""Operators of which each part is made of the same part."""
_DECIDING = ("condition", "mask", "index", "indices")
"""How they call what says of both parts which element is taken."""


@dataclass(slots=True)
class Parts:
    """The values whose parts are told apart."""

    graph: Graph
    apart: set[Value] = field(default_factory=set)

    def told_apart(self, each: Lowered) -> Lowered:
        """Return a node with edges between parts too, where it is known what they are made of."""
        node = each.node
        if not self.graph.complex_values:
            return each
        if node.operator in _OF_PAIRS or _are_laid_out(node):
            apart = node.arguments["self"] in self.apart
            return replace(each, edges=tuple(_as_pairs(node))) if apart else each
        if self.graph.complex_values.isdisjoint(targets(node)):
            cuts = node.operator in ("copy", "_to_copy")  # to their real parts
            return replace(each, edges=tuple(map(self._real_part, each.edges))) if cuts else each
        found = (*each.edges, *self._made(each))
        self.apart.update(replace(edge.target, part=0) for edge in found if edge.target.part)
        return replace(each, edges=found)

    def _made(self, each: Lowered) -> list[Edge]:
        """Return the edges to both parts of complex numbers; none where these are not apart."""
        node = each.node
        if node.operator == "complex":
            return _of_two(node)
        if node.operator in _MADE_OF_PAIRS or (
            _is_reinterpreted(node) and not self._is_complex(node.arguments["self"])
        ):
            return _of_pairs(node.arguments["self"], *targets(node))
        if not any(one in self.apart or not self._is_complex(one) for one in sources(node)):
            return []
        if node.operator in ("mul", "div"):
            return self._scaled(node, each.edges)
        if node.operator not in _APART or _is_turned(node) or self._is_in_pairs(node):
            return []
        deciding = tree_leaves([node.arguments.get(name) for name in _DECIDING])
        return self._kept(each.edges, [one for one in deciding if isinstance(one, Value)])

    def _is_complex(self, value: Value) -> bool:
        return value in self.graph.complex_values

    def _is_in_pairs(self, node: Node) -> bool:
        """Return whether real numbers are written into complex ones seen as pairs."""
        part = node.arguments.get("part")
        return isinstance(part, Value) and not self._is_complex(part)

    def _part(self, source: Value, part: int) -> Value | None:
        """Return what holds a part of a value; None: it is real, and has no such."""
        if not self._is_complex(source):
            return source if part == _REAL else None
        return replace(source, part=part) if source in self.apart else source

    def _real_part(self, edge: Edge) -> Edge:
        source = self._part(edge.source, _REAL)
        return edge if source is None else replace(edge, source=source)

    def _kept(self, own: Sequence[Edge], whole: Collection[Value]) -> list[Edge]:
        """Return edges from each part to the same, and from `whole` values to both."""
        made = (
            (edge, edge.source if edge.source in whole else self._part(edge.source, part), part)
            for edge in own
            for part in PARTS
        )
        return [
            Edge(source, replace(edge.target, part=part), edge.steps)
            for edge, source, part in made
            if source is not None
        ]

    def _scaled(self, node: Node, own: Sequence[Edge]) -> list[Edge]:
        """Return the same of a product with real numbers, or with constants; else none."""
        one, other = node.arguments["self"], node.arguments["other"]
        if node.operator == "div" and isinstance(other, Value) and self._is_complex(other):
            return []
        if isinstance(one, Value) and isinstance(other, Value):
            real = [value for value in (one, other) if not self._is_complex(value)]
            return self._kept(own, real) if real else []
        factor = one if isinstance(other, Value) else other
        rank = len(targets(node)[0].shape)
        same, across = (ranked(mask, rank) for mask in self._nonzero(factor))
        return [
            Edge(source, replace(edge.target, part=part), (*edge.steps, Keep(mask)))
            for edge in own
            for part in PARTS
            for of, mask in ((part, same), (3 - part, across))
            for source in [self._part(edge.source, of)]
            if source is not None and mask.any()
        ]

    def _nonzero(self, factor: Any) -> tuple[Mask, Mask]:
        """Return where a constant's real parts, and its imaginary ones, may be other than zero."""
        is_tensor = isinstance(factor, Tensor)
        is_complex = factor.is_complex() if is_tensor else isinstance(factor, complex)
        if not is_complex:
            return np.ones((), dtype=np.bool_), np.zeros((), dtype=np.bool_)
        if factor.is_meta if is_tensor else self.graph.reads:  # it may have been read of a value
            return np.ones((), dtype=np.bool_), np.ones((), dtype=np.bool_)
        numbers = np.asarray(factor.detach().resolve_conj().cpu() if is_tensor else factor)
        return numbers.real != 0, numbers.imag != 0


def _of_two(node: Node) -> list[Edge]:
    """Return the edges to the parts of numbers that are made of two real ones."""
    (target, *_), found = targets(node), []
    for name, part in (("real", _REAL), ("imag", _IMAGINARY)):
        source = node.arguments.get(name)
        if isinstance(source, Value):
            steps = broadcast(source.shape, target.shape)
            found += edges(source, steps, replace(target, part=part))
    return found


def _of_pairs(pairs: Value, target: Value) -> list[Edge]:
    """Return the edges to the parts of numbers that are made of pairs of real ones."""
    last, found = len(target.shape), []
    for part in PARTS:
        picked: tuple[Step, ...] = (Reshape(pairs.shape, (*target.shape, 2)),)
        picked += (Take(last, gather(2, [part - 1])), Reshape((*target.shape, 1), target.shape))
        found += edges(pairs, picked, replace(target, part=part))
    return found


def _is_turned(node: Node) -> bool:
    """Return whether a complex factor turns what is added."""
    return isinstance(node.arguments.get("alpha"), complex)


def _is_reinterpreted(node: Node) -> bool:
    """Return whether numbers are taken for others of another type."""
    return node.operator == "view" and isinstance(node.arguments.get("dtype"), torch.dtype)


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
    if not _is_reinterpreted(node):
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
