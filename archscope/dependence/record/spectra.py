"""Which values lie between a transform and its inverse, and what ran between the two.

An inverse transform may take back what the transform did: then its result sees less than all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch.utils._pytree import tree_leaves

from archscope.dependence.record.graph import Node, Value, View
from archscope.dependence.record.recipes import TRANSFORMS, likeness, name_of
from archscope.records import frozen


@frozen
class Between:
    """What an inverse transform takes back."""

    nodes: tuple[Node, ...]
    """The transforms that it may undo, what ran after them, and itself, in order."""
    sources: tuple[Value, ...]
    """What was transformed."""
    others: tuple[Value, ...]
    """What else is read there."""
    forth: tuple[int, ...]
    """Axes that were transformed, of the sources."""
    back: tuple[int, ...]
    """Axes that were transformed back, of the result."""


@dataclass(slots=True)
class Spectra:
    """The values that some transform made, and no inverse undid."""

    open: dict[Value, tuple[bool, ...]] = field(default_factory=dict)
    """The direction of each transform that was not undone, axis by axis, the last one last."""
    made: dict[Value, Node] = field(default_factory=dict)
    """The node that made each of them."""
    known: dict[Any, Any] = field(default_factory=dict)
    """What was found of `Between`s, by their likeness: layers are often the same."""

    def learn(self, node: Node) -> None:
        """Take in a node."""
        is_transform = node.operator in TRANSFORMS
        if not self.open and not is_transform:
            return
        left = self._before(node)
        if is_transform:
            axes = len(node.arguments["dim"])
            undone = self._undoes(node, left)
            left = left[: len(left) - axes] if undone else left + (_forward(node),) * axes
        for value in node.outputs if left else ():
            if value is not None:
                self.open[value], self.made[value] = left, node

    def _before(self, node: Node) -> tuple[bool, ...]:
        known = (self.open[value] for value in values_of(node) if value in self.open)
        return max(known, key=len, default=())

    @staticmethod
    def _undoes(node: Node, left: tuple[bool, ...]) -> bool:
        return bool(left) and left[-1] is not _forward(node)

    def undoes(self, node: Node) -> bool:
        """Return whether a transform is the inverse of one before."""
        return node.operator in TRANSFORMS and self._undoes(node, self._before(node))

    def between(self, inverse: Node) -> Between:
        """Return what an inverse takes back."""
        before = self._before(inverse)
        depth = len(before) - len(inverse.arguments["dim"])
        nodes: dict[int, Node] = {id(inverse): inverse}
        sources: dict[Value, None] = {}
        others: dict[Value, None] = {}
        waiting = [inverse]
        while waiting:
            node = waiting.pop()
            opens = node.operator in TRANSFORMS and len(self._before(node)) <= depth
            for value in values_of(node):
                if opens:
                    sources[value] = None
                elif len(self.open.get(value, ())) <= depth:
                    others[value] = None
                elif id(self.made[value]) not in nodes:
                    nodes[id(self.made[value])] = self.made[value]
                    waiting.append(self.made[value])
        ordered = sorted(nodes.values(), key=_place)
        transforms = [node for node in ordered if node.operator in TRANSFORMS]
        forth, back = (
            {
                axis % rank_of(node)
                for node in transforms
                if _forward(node) is direction
                for axis in node.arguments["dim"]
            }
            for direction in (before[-1], not before[-1])
        )
        return Between(
            nodes=tuple(ordered),
            sources=tuple(sources),
            others=tuple(other for other in others if other not in sources),
            forth=tuple(sorted(forth)),
            back=tuple(sorted(back)),
        )


def likeness_of(between: Between) -> tuple[Any, ...]:
    """Return what is the same of two of which the same becomes of random numbers."""
    numbers: dict[Value | int | None, int] = {None: 0}
    supports: dict[int, int] = {}

    def alike(leaf: Any) -> Any:
        if isinstance(leaf, Value):
            return numbers.setdefault(leaf, len(numbers)), leaf.shape
        if isinstance(leaf, View):
            return leaf.operator, str(leaf.arguments), leaf.picked
        return likeness(leaf, supports), numbers.setdefault(name_of(leaf), len(numbers))

    found: list[Any] = [between.forth, between.back]
    for node in between.nodes:
        leaves = tree_leaves(
            dict(node.arguments), is_leaf=lambda one: isinstance(one, Value | View)
        )
        found += [node.operator, node.picked, tuple(node.arguments), *map(alike, leaves)]
        found += [alike(value) for value in node.outputs if value is not None]
    return tuple(found)


def _forward(node: Node) -> bool:
    return bool(node.arguments.get("forward", node.operator != "_fft_c2r"))


def _place(node: Node) -> int:
    return min(value.index for value in node.outputs if value is not None)


def rank_of(node: Node) -> int:
    """Return how many axes the first result of a node has."""
    return len(next(value for value in node.outputs if value is not None).shape)


def values_of(node: Node) -> list[Value]:
    """Return the values that a node reads."""
    leaves = tree_leaves(dict(node.arguments), is_leaf=lambda leaf: isinstance(leaf, Value))
    return [leaf for leaf in leaves if isinstance(leaf, Value)]
