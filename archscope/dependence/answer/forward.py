"""What every element of every value depends on, in one walk over the graph.

Twice where needed: in all (`total`), and without the ways through reductions over all positions
(`local`), which squeeze-and-excitation, normalisation over positions and full attention make. Up
to the first such reduction both are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import lcm

import numpy as np

from archscope.dependence.answer.position_constants import (
    by_distance,
    carried,
    go_along,
    periods,
    placed_axes,
    strides,
)
from archscope.dependence.answer.through_edges import through_edge
from archscope.dependence.record.graph import WRITE, Node, Value
from archscope.dependence.rules import Lowered
from archscope.dependence.sets.patterns import Pattern
from archscope.dependence.sets.sets import Sets, clip
from archscope.dependence.sets.steps import Edge
from archscope.dependence.sets.terms import Term, Terms, along, side_by_side, unite
from archscope.records import frozen

CONCATENATIONS = ("cat", "concatenate")
_PLACING = frozenset(("stack", WRITE, "slice_scatter", "select_scatter", "index_put", "index_copy"))
"""Operators that put beside each other what may see differently, as concatenations do."""
_PARTS = frozenset(
    (
        *("slice", "narrow", "split", "unsafe_split", "chunk", "tensor_split"),
        *("split_with_sizes", "unsafe_split_with_sizes", "index_select", "select", "unbind"),
    )
)
"""Operators of which each result is of some positions of an axis, in a loop over windows maybe."""


@frozen
class Dependences:
    """One walk over a graph."""

    seen: Mapping[Value, Seen]
    """What the wanted values depend on; a value that depends on nothing is not there."""
    looked: frozenset[int]
    """The nodes, by index, in which positions look at others, or are picked."""
    cut: frozenset[Edge]
    """The edges that reduce all positions of an axis, left out of what is local."""
    bounds: frozenset[int]
    """The nodes, by index, whose rules are bounds of what positions see."""
    tables: frozenset[int]
    """The nodes, by index, in which constants come in that differ from place to place."""
    periods: Mapping[int, int]
    """After how many positions constants begin again, by the axis that is looked at."""
    strides: Mapping[int, Mapping[int, int]]
    """After how many positions windows repeat of each value of more or fewer positions than what
    it is made of, by its index and by the axis."""


@frozen
class Seen:
    """What the elements of one value depend on."""

    total: Terms
    """All of it."""
    local: Terms
    """The same without the ways through reductions over all positions."""
    cut_by: int | None
    """The first node on the way that reduced all positions, by index; None: there is none."""
    bounded_by: int | None
    """The first node on the way whose rule is a bound, by index; None: all is exact."""


def look(
    lowered: tuple[Lowered, ...], seed: Value, axes: tuple[int, ...], wanted: Iterable[Value]
) -> Dependences:
    """Return what the wanted values depend on, of some axes of one input."""
    kept = set(wanted) | {seed}
    seen = {seed: of_input(seed, axes)}
    marks = Marks(sizes=tuple(seed.shape[axis] for axis in axes))
    for _ in walk(lowered, seen, kept, marks):
        pass
    return Dependences(
        seen={value: seen[value] for value in kept if value in seen},
        looked=frozenset(marks.looked),
        cut=frozenset(marks.cut),
        bounds=frozenset(marks.bounds),
        tables=frozenset(marks.tables),
        periods=marks.periods,
        strides=marks.strides,
    )


def of_input(seed: Value, axes: tuple[int, ...]) -> Seen:
    """Return that each element of the input depends on itself."""
    start = seeds(seed, axes)
    return Seen(total=start, local=start, cut_by=None, bounded_by=None)


@dataclass(slots=True)
class Marks:
    """What a walk comes across; as in `Dependences`."""

    looked: set[int] = field(default_factory=set)
    cut: set[Edge] = field(default_factory=set)
    bounds: set[int] = field(default_factory=set)
    tables: set[int] = field(default_factory=set)
    periods: dict[int, int] = field(default_factory=dict)
    strides: dict[int, dict[int, int]] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()
    """Positions of the input along the axes that are looked at."""
    placed: dict[Value, frozenset[int]] = field(default_factory=dict)
    """The axes of values along which constants differ from place to place, that do not go along
    the input yet: so are the columns of scores that are of tables of positions."""

    def place(self, index: int, node: Node, target: Value, edges: list[Edge], made: Terms) -> None:
        """Note whether constants go by the places of the input in what a node makes."""
        for axis, period in periods(node, made, target.shape, self.sizes):
            self.periods[axis] = lcm(self.periods.get(axis, 1), period)
        for axis, stride in strides(edges, made, self.sizes):
            known = self.strides.setdefault(target.index, {})
            known[axis] = lcm(known.get(axis, 1), stride)
        carry = (carried(edge.steps, self.placed.get(edge.source, ())) for edge in edges)
        before = frozenset[int]().union(*carry)
        placed = placed_axes(node, target.shape, before)
        along_input = go_along(made, self.sizes) if placed else frozenset()
        tables = placed & along_input
        if tables and (tables & before or tables - by_distance(node, target.shape, tables)):
            self.tables.add(index)
        if placed - along_input:
            self.placed[target] = placed - along_input


def walk(
    lowered: tuple[Lowered, ...],
    seen: dict[Value, Seen],
    kept: Collection[Value] = (),
    marks: Marks | None = None,
) -> Iterator[Lowered]:
    """Yield each node once `seen` has what its inputs depend on; then its outputs come in.

    What no later node reads is left out again, less the values that are kept.
    """
    left = Counter(edge.source for each in lowered for edge in each.edges)
    marks = marks or Marks()
    for index, each in enumerate(lowered):
        yield each
        for target in dict.fromkeys(edge.target for edge in each.edges):
            edges = [edge for edge in each.edges if edge.target == target and edge.source in seen]
            if edges and each.node.operator in CONCATENATIONS and not target.part:
                seen[target] = _side_by_side(each.node, target, seen)
            elif edges:
                seen[target] = _follow(index, each, edges, seen, marks)
            if edges:
                marks.place(index, each.node, target, edges, seen[target].total)
        for edge in each.edges:
            left[edge.source] -= 1
            if not left[edge.source] and edge.source not in kept:
                seen.pop(edge.source, None)


def seeds(value: Value, axes: tuple[int, ...]) -> Terms:
    """Return that each element of the input depends on itself."""
    sets = Sets()
    found = []
    for axis in axes:
        shape = [1] * len(value.shape)
        shape[axis] = value.shape[axis]
        entries = sets.single(np.arange(value.shape[axis])).reshape(shape)
        positional = tuple(at == axis for at in range(len(shape)))
        places = (None,) * len(shape)
        found.append(Pattern(value.shape, entries, places, positional, algebra=sets))
    return (Term(tuple(found), exact=True),)


def _side_by_side(node: Node, target: Value, seen: Mapping[Value, Seen]) -> Seen:
    """Return what a concatenation sees: faster than the union of its edges, and the same."""
    axis = node.arguments["dim"] % len(target.shape)
    parts = [part for part in node.arguments["tensors"] if len(part.shape) == len(target.shape)]
    known = [seen.get(part) if isinstance(part, Value) else None for part in parts]
    sizes = [tuple(part.shape) for part in parts]
    total = side_by_side(
        [(one.total if one else (), size) for one, size in zip(known, sizes, strict=True)], axis
    )
    local = total
    if any(one is not None and one.local is not one.total for one in known):
        local = side_by_side(
            [(one.local if one else (), size) for one, size in zip(known, sizes, strict=True)], axis
        )
    cut_by = _first(one.cut_by for one in known if one)
    return _told_apart(total, local, cut_by, _first(one.bounded_by for one in known if one))


def _told_apart(total: Terms, local: Terms, cut_by: int | None, bounded_by: int | None) -> Seen:
    """Return what a value depends on, without what is local where not all its elements see all.

    Of prefixes that are summed one by one the last reduces all positions, for itself alone.
    """
    if local is not total and not _are_alike(total):
        local, cut_by = total, None
    return Seen(total=total, local=local, cut_by=cut_by, bounded_by=bounded_by)


def _are_alike(terms: Terms) -> bool:
    """Return whether all units that see anything see the same along some axis of the input."""
    for axis in range(len(terms[0].sets) if terms else 0):
        pattern = along(terms, axis)
        features = [own for own in range(len(pattern.shape)) if own not in pattern.units]
        pattern = pattern.reduced(features)
        held = pattern.entries[pattern.algebra.held(pattern.entries)]
        alike = clip(held, np.ones(held.shape, dtype=np.bool_))  # cut short or not
        if bool((alike == alike[:1]).all()):
            return True
    return not terms


def _follow(
    index: int,
    each: Lowered,
    edges: list[Edge],
    seen: Mapping[Value, Seen],
    marks: Marks,
) -> Seen:
    total: list[Term] = []
    local: list[Term] = []
    cuts = [seen[edge.source].cut_by for edge in edges]
    bounds = [seen[edge.source].bounded_by for edge in edges]
    same = True
    through = partial(through_edge, parts=each.node.operator in _PARTS)
    for edge in edges:
        before = seen[edge.source]
        after, looks, collapsed = through(edge, before.total)
        total += after
        if looks:
            marks.looked.add(index)
        if before.local is before.total and not collapsed:
            local += after
            continue
        same = False
        kept, looks, collapsed = through(edge, before.local, drop=True)
        if looks:
            marks.looked.add(index)
        local += kept
        if collapsed:
            cuts.append(index)
            marks.cut.update([edge] if not kept else [])
    united = unite(total) if len(edges) > 1 else tuple(total)
    if each.flag and (index in marks.looked or _is_masked(each, united, marks.sizes)):
        bounds.append(index)
        marks.bounds.add(index)
    left = united if same else _seeing(unite(local))
    if each.node.operator in _PLACING:
        return _told_apart(united, left, _first(cuts), _first(bounds))
    return Seen(total=united, local=left, cut_by=_first(cuts), bounded_by=_first(bounds))


def _seeing(terms: Terms) -> Terms:
    """Return terms less those in which nothing is seen of some axis."""
    return tuple(
        term
        for term in terms
        if all(bool(one.algebra.held(one.entries).any()) for one in term.sets)
    )


def _is_masked(each: Lowered, made: Terms, sizes: Collection[int]) -> bool:
    """Return whether a mask that is not known takes elements by their positions.

    So it does along an axis as long as one of the input where all is alike, as behind a mean.
    """
    axes, shape = set(each.masked), next((edge.target.shape for edge in each.edges), ())
    if any(shape[axis] in sizes for axis in axes & each.copied):
        return True
    return any(axes & set(pattern.units) for term in made for pattern in term.sets)


def _first(nodes: Iterable[int | None]) -> int | None:
    return min((node for node in nodes if node is not None), default=None)
