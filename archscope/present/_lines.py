"""Chooses what a table shows of a section: a folded tree, or a flat list that is sorted or cut.

A row type whose field `x` has a fellow `own_x` is additive in `x`: `x` holds the submodules too and
`own_x` does not, so that copies may be summed. Of such rows, a container that does nothing itself
and groups nothing that repeats is left out and lives on in the dotted names of its parts; work of
its own gets a line of its own. So the lines without parts below them add up to the total.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from archscope import folding
from archscope.columns import Column, columns
from archscope.folding import Group, Node
from archscope.records import frozen
from archscope.results import Section, View

ROOT = "(model)"
"""Label of the model itself, where it holds parameters or work outside all its submodules."""
OWN = "(own)"
"""Label of what a container does outside its submodules."""


@frozen
class Line:
    """One line of a table, not yet text."""

    tree: str
    """Signs that hang it below the line that it is a part of."""
    label: str
    """Name below that line, not yet safe to print."""
    name: str
    """Name below the root, not yet safe to print."""
    row: Any
    """The row that it shows; of copies the first."""
    copies: int
    """How many modules it stands for."""
    own: bool
    """Whether it shows only what the module does outside its submodules."""
    parts: tuple[Line, ...]
    """The lines that it sums up."""
    first: Any = None
    """The row of the first of its copies, where these may differ."""


@cache
def additive(row_type: type) -> frozenset[str]:
    """Return the fields that may be summed over copies and parts."""
    return frozenset(c.name for c in columns(row_type) if c.name in _told(row_type) and _sums(c))


@cache
def _told(row_type: type) -> frozenset[str]:
    """Return the fields that a module tells of itself without its submodules too."""
    names = {column.name for column in columns(row_type)}
    return frozenset(name for name in names if f"own_{name}" in names)


def _sums(column: Column) -> bool:
    return column.kind not in ("text", "number")


def value(line: Line, field: str) -> Any:
    """Return what `line` shows of `field`, over all of its copies."""
    row_type: type = type(line.row)
    one = getattr(line.row, f"own_{field}" if line.own and field in _told(row_type) else field)
    return one * line.copies if one is not None and field in additive(row_type) else one


def tree(section: Section) -> Node | None:
    """Return the tree of a section's modules, None where its rows form none."""
    if folding.path_field(section.row_type) is None:
        return None
    return folding.tree(section.rows, section.row_type)


def lines(section: Section, root: Node | None, view: View) -> tuple[Line, ...]:
    """Return the lines at the top of the tree, or one line per row where rows form no tree."""
    if root is None:
        return tuple(_plain(row) for row in section.rows)
    walk = _Walk(
        depth=view.max_depth,
        siblings=folding.unfolded if view.expand else folding.fold,
        additive=additive(section.row_type),
    )
    return tuple(replace(line, parts=_hang(line.parts, "")) for line in walk.top(root))


def every(shown: Sequence[Line]) -> Iterator[Line]:
    """Go through lines and their parts in the order in which they are printed."""
    for line in shown:
        yield line
        yield from every(line.parts)


def leaves(shown: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines without parts, by their full names, in order of execution."""
    return tuple(replace(line, tree="", label=line.name) for line in every(shown) if not line.parts)


def _plain(row: Any) -> Line:
    return Line(tree="", label="", name="", row=row, copies=1, own=False, parts=())


def _hang(shown: tuple[Line, ...], below: str) -> tuple[Line, ...]:
    """Give lines the signs of a tree; `below` is what stands left of them."""
    hung = []
    for number, line in enumerate(shown, start=1):
        last = number == len(shown)
        here, under = ("└─ ", "   ") if last else ("├─ ", "│  ")
        hung.append(replace(line, tree=below + here, parts=_hang(line.parts, below + under)))
    return tuple(hung)


@frozen
class _Walk:
    """Goes down the tree and decides which containers are lines."""

    depth: int | None
    siblings: Callable[[Sequence[Node]], tuple[Group, ...]]
    additive: frozenset[str]

    def top(self, root: Node) -> list[Line]:
        """Return the lines that hang from nothing."""
        below = () if self.depth == 0 else self.siblings(root.children)
        if not below:
            return [] if root.row is None else [_line(ROOT, ROOT, root, 1)]
        shown = []
        if root.row is not None and (self._does_something(root) or not self.additive):
            shown.append(_line(ROOT, ROOT, root, 1, own=bool(self.additive)))
        alone = len(below) == 1 and not shown
        for group in below:
            shown += self._show(group, "", "", 1, top=True, alone=alone)
        return shown

    def _show(
        self, group: Group, prefix: str, above: str, copies: int, *, top: bool, alone: bool = False
    ) -> list[Line]:
        """Return the lines of a group: itself with its parts below it, or the parts in its place.

        `prefix` is what its label starts with, `above` what stands before that in its full name.
        """
        end, below = self._end_of_chain(group)
        node, label, copies = end.node, prefix + end.label, copies * end.copies
        name = above + label
        if not below:
            return [] if node.row is None else [_line(label, name, node, copies)]
        head = end.copies > 1 or (not alone and (top or _has_number(end.label)))
        goes = node.row is None or (bool(self.additive) and not head)
        parts = []
        if self._does_something(node):
            mine = f"{label} {OWN}" if goes else OWN
            parts.append(_line(mine, f"{name} {OWN}", node, copies, own=True))
        inner, outer = (f"{label}.", above) if goes else ("", f"{name}.")
        for part in below:
            parts += self._show(part, inner, outer, copies, top=top and goes)
        return parts if goes else [_line(label, name, node, copies, parts=tuple(parts))]

    def _end_of_chain(self, group: Group) -> tuple[Group, tuple[Group, ...]]:
        """Go down while a container adds nothing to its only part; the labels are joined.

        Returns the last, and what is below it.
        """
        label, copies = group.label, group.copies
        below = self._below(group.node)
        while len(below) == 1 and self._adds_nothing(group.node):
            group = below[0]
            label, copies = f"{label}.{group.label}", copies * group.copies
            below = self._below(group.node)
        return Group(label=label, node=group.node, copies=copies), below

    def _adds_nothing(self, node: Node) -> bool:
        return node.row is None or (bool(self.additive) and not self._does_something(node))

    def _below(self, node: Node) -> tuple[Group, ...]:
        cut = self.depth is not None and node.row is not None and node.depth >= self.depth
        return () if cut else self.siblings(node.children)

    def _does_something(self, node: Node) -> bool:
        """Return whether a container has work or weights outside its submodules."""
        if node.row is None or not self.additive or not node.children:
            return False
        row_type: type = type(node.row)
        refers = folding.reference_field(row_type)
        if refers is not None and getattr(node.row, refers) is not None:
            return True
        return any(self._adds(node, field) for field in self.additive)

    def _adds(self, node: Node, field: str) -> bool:
        own = getattr(node.row, f"own_{field}")
        if own is not None:
            return bool(own)
        known = (getattr(child.row, field, None) is not None for child in node.children)
        return any(known)


def _line(
    label: str,
    name: str,
    node: Node,
    copies: int,
    *,
    own: bool = False,
    parts: tuple[Line, ...] = (),
) -> Line:
    return Line(
        tree="",
        label=label,
        name=name,
        row=node.row,
        copies=copies,
        own=own,
        parts=parts,
        first=node.first,
    )


def _has_number(label: str) -> bool:
    return any(part.isdigit() for part in label.split("."))
