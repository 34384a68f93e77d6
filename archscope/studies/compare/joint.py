"""One tree for several networks: what is the same has one place, and folds as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from archscope.folding import Node, label_of, number, turns
from archscope.records import frozen
from archscope.studies.compare.match import Matching


@dataclass(eq=False)
class Joint:
    """A module of each network that has it; written while the tree is built, only read after."""

    name: str
    nodes: list[Node | None]
    """One for each network."""
    moved: list[bool]
    """In which networks it stands elsewhere than in the first."""
    children: list[Joint] = field(default_factory=list)
    alike: int = -1
    """Equal for two of a tree exactly where all but their names agree, all the way down."""

    @property
    def path(self) -> str:
        """Where it stands in the first network that has it."""
        return next(node.path for node in self.nodes if node is not None)

    @property
    def rows(self) -> list[Any]:
        """What is known of it in each network; None where there is none, or no row of it."""
        return [None if node is None else node.row for node in self.nodes]


@frozen
class Bundle:
    """Siblings that are alike in each network that has them, as one."""

    members: tuple[Joint, ...]
    period: int
    """How far apart they stand: 1 are neighbours."""

    @property
    def label(self) -> str:
        """Their names: `0–23`, or `0,3,…,21` where they take turns with others."""
        return label_of([each.name for each in self.members], self.period)

    @property
    def typical(self) -> Joint:
        """The first of those that most networks have."""
        return max(self.members, key=_present)

    def members_of(self, network: int) -> list[Node]:
        """Return those that one network has."""
        every = (each.nodes[network] for each in self.members)
        return [node for node in every if node is not None]


def _present(joint: Joint) -> int:
    return sum(node is not None for node in joint.nodes)


def joined(first: Node, matchings: Sequence[Matching], others: Sequence[Node]) -> Joint:
    """Return the tree of a network and others, by what in these is the same as what in the first.

    What only others have stands behind its sibling there.
    """
    of_first: dict[Node, Joint] = {}
    root = _of_first(first, matchings, of_first)
    for k, (matching, other) in enumerate(zip(matchings, others, strict=True), start=1):
        places = {there: of_first[here] for here, there in matching.found.items()}
        _add(other, root, k, places, 1 + len(others))
    _tell_alike(root)
    return root


def _of_first(node: Node, matchings: Sequence[Matching], made: dict[Node, Joint]) -> Joint:
    partners = [each.found.get(node) for each in matchings]
    moved = [False, *(node in each.moved for each in matchings)]
    joint = Joint(name=node.name, nodes=[node, *partners], moved=moved)
    made[node] = joint
    joint.children = [_of_first(child, matchings, made) for child in node.children]
    return joint


def _add(node: Node, at: Joint, network: int, places: dict[Node, Joint], networks: int) -> None:
    """Put what a network has beside the first below the place of the module that holds it."""
    here = set(at.children)
    free = {
        each.name: each
        for each in reversed(at.children)
        if each.nodes[0] is None and each.nodes[network] is None
    }
    behind: dict[Joint | None, list[Joint]] = {}
    last = None
    for child in node.children:
        place = places.get(child) or free.pop(child.name, None)
        if place is None:
            place = Joint(name=child.name, nodes=[None] * networks, moved=[False] * networks)
            behind.setdefault(last, []).append(place)
        elif place in here:
            last = place
        place.nodes[network] = child
        _add(child, place, network, places, networks)
    if behind:
        kept = [[each, *behind.get(each, ())] for each in at.children]
        at.children = [*behind.get(None, ()), *(each for some in kept for each in some)]


def _tell_alike(root: Joint) -> None:
    order = [root]
    for joint in order:
        order += joint.children
    seen: dict[Any, int] = {}
    for joint in reversed(order):
        nodes = [-1 if node is None else node.alike for node in joint.nodes]
        below = [(child.name, child.alike) for child in joint.children]
        key = (tuple(nodes), tuple(joint.moved), *below)
        joint.alike = seen.setdefault(key, len(seen))


def bundles(joint: Joint) -> Iterator[Bundle]:
    """Yield what a module holds, with siblings put together that are alike in each network.

    Blocks of which one network has more are still one: `×12 → ×24`.
    """
    found: list[Bundle] = []
    places: list[int] = []  # of each that comes, in what is found
    for members, period in turns(joint.children):
        new = Bundle(members=tuple(members), period=period)
        place = places[-period] if len(places) >= period else -1
        if place >= 0 and _goes_on(found[place], new):
            members = (*found[place].members, *members)
            found[place] = Bundle(members=members, period=period)
        else:
            place = len(found)
            found.append(new)
        places.append(place)
    yield from found


def _goes_on(before: Bundle, new: Bundle) -> bool:
    """Return whether a bundle is more of the same, which some network has no more of."""
    last, next_ = number(before.members[-1].name), number(new.members[0].name)
    counts_on = last is not None and next_ == last + new.period
    one, two = before.typical, new.typical
    if not counts_on or before.period != new.period or one.moved != two.moved:
        return False
    pairs = list(zip(one.nodes, two.nodes, strict=True))
    both = [(a.alike, b.alike) for a, b in pairs if a is not None and b is not None]
    has_all = [not any(a is None and b is not None for a, b in pairs)]
    has_all += [not any(b is None and a is not None for a, b in pairs)]
    alike = bool(both) and any(has_all) and all(a == b for a, b in both)
    return alike and _hold_alike(one, two)


def _hold_alike(one: Joint, two: Joint) -> bool:
    """Return whether two modules hold the same in every network that has both, or neither.

    What has moved into or out of one of them is a row that does not tell of the other.
    """
    for k, (a, b) in enumerate(zip(one.nodes, two.nodes, strict=True)):
        here, there = ([c.name for c in each.children if c.nodes[k]] for each in (one, two))
        if (a is None) == (b is None) and here != there:
            return False
    others = {each.name: each for each in two.children}
    pairs = [(each, others[each.name]) for each in one.children if each.name in others]
    return all(_hold_alike(*pair) for pair in pairs)
