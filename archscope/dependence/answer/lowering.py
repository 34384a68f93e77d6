"""Every node of a graph as edges, less what nothing is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from archscope.dependence import rules
from archscope.dependence.answer.complex_parts import Parts, without_unread
from archscope.dependence.record.graph import Graph, Value
from archscope.dependence.record.scores import returned_of, scores_of
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import Lowered


def lower(graph: Graph) -> tuple[Lowered, ...]:
    """Return every node as edges."""
    zeros = Zeros(scores=scores_of(graph), returned=returned_of(graph), numbers=not graph.reads)
    parts = Parts(graph)
    found = []
    for node in graph.nodes:
        with suppress(Exception):  # of a form that is not known, nothing is known to be zero
            zeros.learn(node)
        each = parts.told_apart(rules.lower(node, zeros))
        filled = [e for e in each.edges if 0 not in (*e.source.shape, *e.target.shape)]
        found.append(replace(each, edges=tuple(filled)))
    kept = _without_dead(found, graph)
    return without_unread(kept) if parts.apart else kept


def _without_dead(lowered: Sequence[Lowered], graph: Graph) -> tuple[Lowered, ...]:
    """Return nodes without the edges to values that nothing is made of and that nothing returns.

    So are sums that later ones undo, and views that are made again once they were written to.
    """
    read = {value for call in graph.calls for value in (*call.inputs, *call.outputs)}
    read.update(graph.outputs.values())
    found = []
    for each in reversed(lowered):
        if read.isdisjoint(each.node.outputs) and graph.outputs:
            each = replace(each, edges=(), flag="")
        read.update(replace(one, part=0) if one.part else one for one in _sources(each))
        found.append(each)
    return tuple(reversed(found))


def _sources(each: Lowered) -> Iterator[Value]:
    return (edge.source for edge in each.edges)
