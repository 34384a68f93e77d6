"""The same model on larger inputs, until an output is away from all borders.

Where every output reaches the border of the given input, its window is not known from that; then
the model is looked at again on larger inputs, which costs little, since nothing is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_map

from archscope.dependence.answer.examine import Examination
from archscope.dependence.answer.fields import has_units
from archscope.dependence.answer.forward import look, lower
from archscope.dependence.record.capture import LARGEST_CONSTANT, capture, input_tensors
from archscope.dependence.record.graph import Graph, Value
from archscope.subject import Inputs

LARGEST = 1 << 17
"""Positions along an axis up to which larger inputs are tried."""
MOST_POSITIONS = 1 << 28
"""Positions over all axes up to which larger inputs are tried."""
MOST_ENTRIES = 1 << 22
"""Entries of one value up to which larger inputs are tried: axes that are entangled."""


def away_from_borders(
    model: nn.Module, inputs: Inputs, given: Examination, value: Value
) -> Examination:
    """Return the smallest pass in which some unit of an output is away from all borders."""
    field = given.local(value) or given.total(value)
    if field is None or field.is_settled or not has_units(field):
        return given
    best = given
    for larger in grown(model, inputs, given, value):
        again = larger.again(value)
        wider = larger.local(again) or larger.total(again) if again else None
        if wider is None or not field.maps_alike(wider):
            break
        if wider.is_whole and wider.is_narrow:
            best = larger
        if wider.is_settled:
            break
    return best


def grown(
    model: nn.Module, inputs: Inputs, found: Examination, target: Value
) -> Iterator[Examination]:
    """Yield the same model on inputs twice, four times ... as long, while it can be run so."""
    sizes = found.sizes
    more = 2 ** len(sizes)
    entries, pairs = _most_entries(found), _most_pairs(found)
    before = found.seen(target)
    while (
        max(sizes) * 2 <= LARGEST
        and prod(sizes) * more <= MOST_POSITIONS
        and entries * more <= MOST_ENTRIES
        and pairs * more**2 <= LARGEST_CONSTANT
    ):
        sizes = tuple(size * 2 for size in sizes)
        larger = resized(inputs, found, sizes)
        graph = capture(model, larger, (found.input,))
        value = _made_alike(found.graph, graph, target)
        if value is None:
            return
        lowered = lower(graph)
        wanted = [value for call in graph.calls for value in (*call.inputs, *call.outputs)]
        dependences = look(lowered, graph.inputs[found.input], found.axes, [*wanted, value])
        again = Examination(graph, lowered, found.input, found.roles, dependences)
        after = again.seen(value)
        if before and after and before.cut_by != after.cut_by:
            return  # a mask is too large to be looked into
        entries, pairs = _most_entries(again), _most_pairs(again)
        yield again


def _most_pairs(found: Examination) -> int:
    """Return the pairs of positions that attention along one axis compares; 0: there is none."""
    if len(found.sizes) != 1:
        return 0
    pairs = found.sizes[0] ** 2
    for node in found.graph.nodes:
        if "scaled_dot_product" in node.operator:
            return pairs
        if any(value and prod(value.shape) >= pairs > 1 << 16 for value in node.outputs):
            return pairs
    return 0


def _most_entries(found: Examination) -> int:
    return max(
        pattern.entries.size
        for seen in found.dependences.seen.values()
        for term in seen.total
        for pattern in term.sets
    )


def resized(inputs: Inputs, exam: Examination, sizes: tuple[int, ...]) -> Inputs:
    """Return the inputs with the studied one of another size, without data."""
    studied = input_tensors(inputs)[exam.input]
    shape = list(studied.shape)
    for axis, size in zip(exam.axes, sizes, strict=True):
        shape[axis] = size

    def other(leaf: Any) -> Any:
        return torch.empty(shape, dtype=leaf.dtype, device="meta") if leaf is studied else leaf

    return Inputs(args=tree_map(other, inputs.args), kwargs=tree_map(other, dict(inputs.kwargs)))


def _made_alike(one: Graph, two: Graph, target: Value) -> Value | None:
    """Return a value of the second graph that both made alike, on maps of whatever size."""
    for a, b in zip(one.nodes, two.nodes, strict=False):
        mine, other = ([value and value.index for value in node.outputs] for node in (a, b))
        if a.operator != b.operator or mine != other:
            return None
        if target.index in mine:
            return b.outputs[mine.index(target.index)]
    return None
