"""Which values are scores: nothing but a softmax, or the highest of them, is made of them.

What a mask takes out of these need be told once, where the softmax is; and what the softmax makes
zero where it is multiplied, unless the model returns it.
"""

from __future__ import annotations

from archscope.dependence.record.blocked_scores import HIGHEST
from archscope.dependence.record.graph import Graph, Value
from archscope.dependence.record.spectra import values_of

_SOFTMAX = frozenset(("_softmax", "_safe_softmax", "_log_softmax", *HIGHEST))
_MASKED = ("masked_fill", "where")
_CARRIED = frozenset(
    (
        *("view", "_unsafe_view", "reshape", "expand", "clone", "_to_copy", "transpose", "permute"),
        *("unsqueeze", "squeeze", *_MASKED, "add", "sub", "mul", "div"),
    )
)


def scores_of(graph: Graph) -> frozenset[Value]:
    """Return the values of a graph that a softmax alone reads, others between them or not."""
    if not any(node.operator in _MASKED for node in graph.nodes):
        return frozenset()
    others = set(graph.outputs.values())
    read: set[Value] = set()
    for node in reversed(graph.nodes):
        sources = values_of(node)
        carried = node.operator in _CARRIED and others.isdisjoint(node.outputs)
        if node.operator in _SOFTMAX or (carried and not read.isdisjoint(node.outputs)):
            read.update(sources)
        else:
            others.update(sources)
    return frozenset(read - others)


def returned_of(graph: Graph) -> frozenset[Value]:
    """Return the values of which the model returns elements, or means of them."""
    found = set(graph.outputs.values())
    for node in reversed(graph.nodes):
        if node.operator in (*_CARRIED, "mean", "sum") and not found.isdisjoint(node.outputs):
            found.update(values_of(node))
    return frozenset(found)
