"""Which of the numbers that a forward reads out of tensors have a say in what it returns.

Most have none: a check that raises, a warning, a line that is printed. So the forward is run again
with another number in place of each. Where it does the same on all ways to its outputs, the read
counts for nothing; where only numbers differ by which elements are multiplied or shifted, what is
returned depends on what was read; where anything else differs, on all of the input, since which
way the control flow would have gone is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from archscope.dependence.record.graph import READ, Graph, Node, Value, View

MOST_READS = 8
"""Reads that are altered one by one; more are altered together."""

SHIFTS = (2, -5)
"""What is added to a number that is read, in two runs: one change alone may go unnoticed."""

Again = Callable[[Mapping[int, int]], Graph]
"""Runs the model again, with so much added to some reads by number."""


def with_reads(graph: Graph, again: Again) -> Graph:
    """Return the graph with what each read means among the values of its `READ` nodes."""
    if not graph.reads:
        return graph
    ones = [number for number, read in enumerate(graph.reads) if read.is_one]
    each = [frozenset((n,)) for n in ones] if len(ones) <= MOST_READS else [frozenset(ones)]
    meant = {read.value: tuple(graph.inputs.values()) for read in graph.reads}
    if graph.failure is None:
        meant.update(chain.from_iterable(_meant(graph, again, numbers) for numbers in each))
    nodes = [_told(node, meant) if node.operator == READ else node for node in graph.nodes]
    return replace(graph, nodes=nodes)


def _told(node: Node, meant: Mapping[Value, tuple[Value, ...]]) -> Node:
    values = dict.fromkeys(chain.from_iterable(meant[v] for v in node.arguments["values"]))
    return replace(node, arguments={**node.arguments, "values": tuple(values)})


def _meant(
    graph: Graph, again: Again, altered: frozenset[int]
) -> Iterator[tuple[Value, tuple[Value, ...]]]:
    """Yield for each altered read the values that outputs depend on through it."""
    runs = [_compared(graph, again(dict.fromkeys(altered, shift))) for shift in SHIFTS]
    for number in altered:
        read = graph.reads[number].value
        if None not in runs:
            yield read, (read,) if any(runs) else ()


def _compared(graph: Graph, other: Graph) -> bool | None:
    """Return whether some number differs where two runs are alike but for that; None: not alike.

    A run that raised is alike as far as it got: it returned nothing.
    """
    if other.failure is not None:
        mine, theirs = graph.nodes[: len(other.nodes)], other.nodes
    else:
        mine, theirs = _needed(graph), _needed(other)
    if len(mine) != len(theirs):
        return None
    same = Same()
    if not all(same.nodes(a, b) for a, b in zip(mine, theirs, strict=True)):
        return None
    return same.differs


def _needed(graph: Graph) -> list[Node]:
    """Return the nodes on the ways to what the model returns."""
    wanted = set(graph.outputs.values())
    found = []
    for node in reversed(graph.nodes):
        if wanted.isdisjoint(node.outputs):
            continue
        found.append(node)
        wanted.update(values_in(node))
    return found[::-1]


def values_in(node: Node) -> list[Value]:
    """Return the values among a node's arguments, less those that Python read before."""
    leaves = tree_leaves(_arguments(node), is_leaf=lambda leaf: isinstance(leaf, Value))
    return [leaf for leaf in leaves if isinstance(leaf, Value)]


def _arguments(node: Node) -> dict[str, Any]:
    return {
        name: argument
        for name, argument in node.arguments.items()
        if node.operator != READ or name == "self"
    }


class Same:
    """Compares two runs node by node; values go by the order in which they come up."""

    def __init__(self) -> None:
        self.differs = False
        """Whether a number differed where an operator works element by element."""
        self._numbers: dict[int, int] = {}

    def nodes(self, one: Node, other: Node) -> bool:
        """Return whether two nodes do the same, but for a number."""
        if (one.operator, one.picked) != (other.operator, other.picked):
            return False
        if one.constants != other.constants:
            return False
        pairs = [(_arguments(one), _arguments(other)), (one.outputs, other.outputs)]
        return all(self._alike(a, b, free=one.pointwise) for a, b in pairs)

    def made(self, one: Node, other: Node) -> bool:
        """Return whether two nodes are of one operator, and make the same of whatever they take."""
        if (one.operator, one.picked) != (other.operator, other.picked):
            return False
        return self._alike(one.outputs, other.outputs, free=False)

    def returned(self, one: Graph, other: Graph) -> bool:
        """Return whether two runs returned the same values, beside constants."""
        return self._alike(one.outputs, other.outputs, free=False)

    def _alike(self, one: Any, other: Any, *, free: bool) -> bool:
        if type(one) is not type(other):
            return False
        match one:
            case Value():
                expected = self._numbers.setdefault(one.index, other.index)
                return bool(one.shape == other.shape and expected == other.index)
            case View():
                pair = (one.operator, one.picked), (other.operator, other.picked)
                same = pair[0] == pair[1]
                return same and self._alike(one.arguments, other.arguments, free=False)
            case Tensor():
                return _equal(one, other)
            case torch.Generator() | torch.ScriptObject():
                return True  # packed weights: nothing can be asked of them
            case Mapping():
                keys = list(one) == list(other)
                return keys and self._alike(list(one.values()), list(other.values()), free=free)
            case tuple() | list():
                return len(one) == len(other) and all(
                    self._alike(a, b, free=free) for a, b in zip(one, other, strict=True)
                )
        if bool(one == other) or bool(one != one):
            return True
        self.differs = self.differs or free
        return free and isinstance(one, int | float)


def _equal(one: Tensor, other: Tensor) -> bool:
    """Return whether two constants are of one kind; what they held then, checksums tell."""
    return one.shape == other.shape and one.dtype == other.dtype
