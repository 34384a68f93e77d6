"""Which modules of two networks are the same: by path, then by type, parameters and shapes.

Modules at one path are the same where both hold others, or both are layers of one type. What is
left is looked for elsewhere: where type, settings, parameters and output shape are those of exactly
one module that is left in either network, it has moved, with all that it holds. Blocks that are
alike count as one there. At last what is left at one path is the same place with another layer,
but in a list whose items have moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set

from archscope.folding import Node, number, turns
from archscope.records import frozen

_ROUNDS = 8
"""How often what has become unambiguous by the last round is looked for again."""


@frozen
class Matching:
    """What of one network is what of another."""

    found: dict[Node, Node]
    """The other network's module for each of the first that it has."""
    moved: set[Node]
    """Those of the first that stand elsewhere, without what they hold."""


@frozen
class _Left:
    """Modules that are alike and that nothing in the other network is the same as."""

    members: tuple[Node, ...]
    depth: int


def match(first: Node, other: Node) -> Matching:
    """Return which modules of two trees are the same; the roots always are."""
    found: dict[Node, Node] = {}
    moved: set[Node] = set()
    _descend(first, other, found, _same_kind)
    for _ in range(_ROUNDS):
        new = list(_elsewhere(first, other, found))
        if not new:
            break
        for here, there in new:
            moved.add(here)
            _descend(here, there, found, _same_kind)
    shifted = {here.path.rpartition(".")[0] for here in moved}
    _descend(first, other, found, lambda here, there: not _is_shifted(here, shifted))
    return Matching(found=found, moved=moved)


def _is_shifted(node: Node, shifted: Set[str]) -> bool:
    """Return whether a place in a list says nothing, since others of the list have moved."""
    return number(node.name) is not None and node.path.rpartition(".")[0] in shifted


def _descend(
    first: Node, other: Node, found: dict[Node, Node], same: Callable[[Node, Node], bool]
) -> None:
    """Match two modules, and those that they hold by their names."""
    found[first] = other
    taken = set(found.values())
    pairs = [(first, other)]
    while pairs:
        here, there = pairs.pop()
        names = {child.name: child for child in reversed(there.children)}
        for child in here.children:
            partner = found.get(child) or names.get(child.name)
            if partner is None or (child not in found and partner in taken):
                continue
            if child in found or same(child, partner):
                found[child] = partner
                taken.add(partner)
                pairs.append((child, partner))


def _same_kind(here: Node, there: Node) -> bool:
    if here.children or there.children:
        return bool(here.children) == bool(there.children)
    return bool(_type(here) == _type(there))


def _type(node: Node) -> str | None:
    return None if node.row is None else str(node.row.type)


def _elsewhere(first: Node, other: Node, found: dict[Node, Node]) -> Iterator[tuple[Node, Node]]:
    """Yield modules that are left in both networks and look like no others, the outermost alone."""
    mine = _by_looks(_left(first, set(found)))
    theirs = _by_looks(_left(other, set(found.values())))
    once = [
        (mine[looks][0], theirs[looks][0])
        for looks in mine
        if len(mine[looks]) == 1 and len(theirs.get(looks, ())) == 1
    ]
    inside: set[str] = set()
    for here, there in sorted(once, key=lambda pair: pair[0].depth):
        paths = {member.path for member in here.members}
        if not any(_is_within(path, inside) for path in paths):
            inside |= paths
            yield from zip(here.members, there.members, strict=False)


def _is_within(path: str, others: set[str]) -> bool:
    parts = path.split(".")
    return any(".".join(parts[:n]) in others for n in range(1, len(parts)))


def _left(root: Node, matched: set[Node]) -> Iterator[_Left]:
    """Yield what is not matched, each group of modules that are alike once."""
    stack: list[tuple[tuple[Node, ...], int]] = [((root,), 0)]
    while stack:
        alike, depth = stack.pop()
        first = alike[0]
        if first in matched:
            stack += [((child,), depth + 1) for child in first.children if child in matched]
        places = {child: place for place, child in enumerate(first.children)}
        for members, _ in turns([child for child in places if child not in matched]):
            at = [places[member] for member in members]
            every = tuple(
                child
                for each in alike
                for place in at
                if (child := each.children[place]) not in matched
            )
            yield _Left(members=every, depth=depth)
            stack.append((every, depth + 1))


def _by_looks(left: Iterator[_Left]) -> dict[object, Sequence[_Left]]:
    found: dict[object, list[_Left]] = {}
    for each in left:
        row = each.members[0].row
        if row is not None:
            looks = (
                row.type, row.settings, row.trainable, row.frozen, row.buffers, row.output_shape,
            )  # fmt: skip
            found.setdefault(looks, []).append(each)
    return dict(found)
