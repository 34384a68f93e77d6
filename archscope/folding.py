"""Builds the tree behind dotted names, and folds siblings that are identical throughout.

Two siblings are identical where every field but the path agrees and their subtrees do. A field that
was measured may differ; those that are folded show its mean, so that copies add up. One that grows
from layer to layer may differ too; they show the last one's. A reference to
another module (`shared_with`) is compared as seen from the row, so that `blocks.3.head ->
blocks.3.embed` and `blocks.4.head -> blocks.4.embed` say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from operator import attrgetter
from typing import Any, Protocol, TypeVar

from archscope.columns import columns
from archscope.records import frozen

LONGEST_PERIOD = 16
"""Cycles of at most so many different blocks are found, e.g. dilations 1, 2, 4, 8, 1, 2, 4, 8."""
FEWEST_CYCLES = 3
"""A cycle of different blocks is folded only where it runs at least so often."""
_LONGEST_NUMBER = 9
A = TypeVar("A", bound="Alike")


@dataclass(slots=True, eq=False)
class Node:
    """A module and all that is below it; written while its tree is built, only read after."""

    path: str
    name: str
    """Last part of the path."""
    row: Any
    """What is known of it; None where there is no row for this path."""
    children: list[Node]
    alike: int = -1
    """Equal for two nodes of a tree exactly where all but their names agree, all the way down."""
    first: Any = None
    """The row of the first of several that are folded; None of one alone."""

    @property
    def depth(self) -> int:
        """Parts of the path; 0 for the root."""
        return self.path.count(".") + 1 if self.path else 0


@frozen
class Group:
    """Siblings that are alike, shown as one."""

    label: str
    """Their names: `0–23`, or `0,3,…,21` where they take turns with others."""
    node: Node
    """The first of them."""
    copies: int


def path_field(row_type: type) -> str | None:
    """Return the field that holds a row's dotted name, None where rows form no tree."""
    return next((c.name for c in columns(row_type) if c.kind == "path"), None)


@cache
def reference_field(row_type: type) -> str | None:
    """Return the field by which a row names another row's path, where its type has one."""
    return next((c.name for c in columns(row_type) if c.kind == "reference"), None)


def tree(rows: Sequence[Any], row_type: type) -> Node:
    """Return the root of the tree that the rows' paths describe; takes time linear in the rows."""
    nodes = _nodes(rows, path_field(row_type) or "path")
    read = _reader(row_type)
    seen: dict[Any, int] = {}
    for node in reversed(nodes):
        what = None if node.row is None else read(node.row)
        below = [(child.name, child.alike) for child in node.children]
        node.alike = seen.setdefault((what, *below), len(seen))
    return nodes[0]


def _nodes(rows: Sequence[Any], field: str) -> list[Node]:
    """Return a node per path, parents before their children, the root first."""
    nodes = [Node("", "", None, [])]
    by_path = {"": nodes[0]}
    read_path = attrgetter(field)
    for row in rows:
        path = read_path(row)
        node = by_path.get(path)
        if node is None or node.row is not None:
            node = _append(path, nodes, by_path)
        node.row = row
    return nodes


def _append(path: str, nodes: list[Node], by_path: dict[str, Node]) -> Node:
    """Add a node for `path`, and one for every parent that has none."""
    parts = [path.rpartition(".")]
    while (above := by_path.get(parts[-1][0])) is None:
        parts.append(parts[-1][0].rpartition("."))
    for parent, dot, name in reversed(parts):
        node = Node(parent + dot + name, name, None, [])
        above.children.append(node)
        nodes.append(node)
        by_path.setdefault(node.path, node)
        above = node
    return above


def _reader(row_type: type) -> Callable[[Any], object]:
    """Return what reads all fields of a row that its copies share."""
    path, refers = path_field(row_type) or "path", reference_field(row_type)
    left_out = (path, refers, *_measured(row_type), *_growing(row_type))
    kept = [column.name for column in columns(row_type) if column.name not in left_out]
    read: Callable[[Any], object] = attrgetter(*kept) if kept else lambda row: ()
    if refers is None:
        return read

    def read_with_reference(row: Any) -> object:
        reference = getattr(row, refers)
        if reference is None:
            return read(row)
        return read(row), _seen_from(getattr(row, path), reference)

    return read_with_reference


def _seen_from(path: str, other: str) -> tuple[int, tuple[str, ...]]:
    here, there = path.split("."), other.split(".")
    shared = 0
    while shared < min(len(here), len(there)) and here[shared] == there[shared]:
        shared += 1
    return len(here) - shared, tuple(there[shared:])


def fold(siblings: Sequence[Node]) -> tuple[Group, ...]:
    """Return siblings with neighbours `0`, `1`, `2`, ... that are alike put together.

    Blocks that take turns (`0,2,4` alike and `1,3,5` alike) become one group per turn.
    """
    return tuple(_group(members, period) for members, period in turns(siblings))


def unfolded(siblings: Sequence[Node]) -> tuple[Group, ...]:
    """Return siblings one by one."""
    return tuple(_group((node,), 1) for node in siblings)


class Alike(Protocol):
    """What can be folded: its name, and a number that is equal for those that are alike."""

    @property
    def name(self) -> str: ...

    @property
    def alike(self) -> int: ...


def turns(siblings: Sequence[A]) -> Iterator[tuple[Sequence[A], int]]:
    """Yield the members of each group of siblings that are alike, and how far apart they stand."""
    for run in _runs(siblings):
        start = 0
        while start < len(run):
            period, cycles = _cycles(run, start)
            end = start + period * cycles
            for turn in range(period):
                yield run[start + turn : end : period], period
            start = end


def label_of(names: Sequence[str], period: int) -> str:
    """Return what several siblings are called together: `0–23`, or `0,3,…,21`."""
    if len(names) == 1:
        return names[0]
    if period == 1:
        return f"{names[0]}–{names[-1]}"
    return ",".join(names if len(names) <= 3 else [*names[:2], "…", names[-1]])


def _runs(siblings: Sequence[A]) -> list[list[A]]:
    """Cut siblings where their names do not count on by one."""
    runs: list[list[A]] = []
    expected = None
    for node in siblings:
        place = number(node.name)
        if place is None or place != expected:
            runs.append([])
        runs[-1].append(node)
        expected = None if place is None else place + 1
    return runs


def number(name: str) -> int | None:
    """Return the number that a name is, as those of a list's items are; None where it is none."""
    plain = name.isascii() and name.isdigit() and len(name) <= _LONGEST_NUMBER
    return int(name) if plain and str(int(name)) == name else None


def _cycles(run: Sequence[Alike], start: int) -> tuple[int, int]:
    """Return the period that repeats most often from `start` on, and how often it does."""
    best = (1, 1)
    for period in range(1, min(LONGEST_PERIOD, len(run) - start - 1) + 1):
        end = start + period
        while end < len(run) and run[end].alike == run[end - period].alike:
            end += 1
        cycles = (end - start) // period
        if cycles > best[1] and (period == 1 or cycles >= FEWEST_CYCLES):
            best = (period, cycles)
    return best


def _group(members: Sequence[Node], period: int) -> Group:
    label = label_of([node.name for node in members], period)
    return Group(label=label, node=_mean(members), copies=len(members))


@cache
def _measured(row_type: type) -> tuple[str, ...]:
    return tuple(column.name for column in columns(row_type) if column.measured)


@cache
def _growing(row_type: type) -> tuple[str, ...]:
    return tuple(column.name for column in columns(row_type) if column.grows)


def _mean(members: Sequence[Node]) -> Node:
    """Return the first of nodes that are alike, with what they may differ in: the mean of all in
    what was measured, the last one's in what grows."""
    first, last = members[0], members[-1]
    if len(members) == 1 or not _has_own(first):
        return first
    row = first.row
    if row is not None:
        means = {field: _average(members, field) for field in _measured(row.__class__)}
        grown = {field: getattr(last.row, field) for field in _growing(row.__class__)}
        row = replace(row, **means, **grown)
    below = zip(*(member.children for member in members), strict=True)
    children = [_mean(parts) for parts in below]
    begin = first.row if first.first is None else first.first
    return Node(first.path, first.name, row, children, first.alike, begin)


def _has_own(node: Node) -> bool:
    """Return whether nodes that are alike may differ in something."""
    if node.row is not None:
        return bool(_measured(node.row.__class__) or _growing(node.row.__class__))
    return any(map(_has_own, node.children))


def _average(members: Sequence[Node], field: str) -> float | None:
    values = [getattr(member.row, field) for member in members]
    return None if None in values else sum(values) / len(values)
