"""Looks at a model once: which input, along which axes, and what every module's output sees.

Where every output reaches the border of the given input, its window is not known from that; then
the model is looked at again on larger inputs, which costs little, since nothing is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from archscope.dependence.capture import capture, input_tensors
from archscope.dependence.fields import Field
from archscope.dependence.forward import Seen, Sight, look, lower
from archscope.dependence.graph import Call, Graph, Value
from archscope.dependence.lines import Line
from archscope.dependence.rules import Lowered
from archscope.dependence.steps import Mix, Reduce
from archscope.errors import ForwardError, UsageError
from archscope.subject import Inputs

LARGEST = 1 << 17
"""Positions along an axis up to which larger inputs are tried."""
MOST_POSITIONS = 1 << 28
"""Positions over all axes up to which larger inputs are tried."""
MOST_ENTRIES = 1 << 22
"""Entries of one value up to which larger inputs are tried: axes that are entangled."""
FIRST_NODES = 16
"""Nodes in which the first layer must be, for the axis of features to be known from it."""


@dataclass(frozen=True, eq=False)
class Examination:
    """One pass over the model."""

    graph: Graph
    lowered: tuple[Lowered, ...]
    input: str
    """The place of the studied input among the arguments."""
    axes: tuple[int, ...]
    """Its axes along which positions lie."""
    sight: Sight
    known: dict[tuple[int, bytes], Line] = field(default_factory=dict)
    """Lines that fields share; see `Field.known`."""

    @property
    def seed(self) -> Value:
        """The studied input."""
        return self.graph.inputs[self.input]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Positions of the studied input along each axis."""
        return tuple(self.seed.shape[axis] for axis in self.axes)

    def seen(self, value: Value) -> Seen | None:
        """Return what a value depends on; None for one that depends on nothing."""
        return self.sight.seen.get(value)

    def total(self, value: Value) -> Field | None:
        """Return all that a value sees; None where it sees nothing."""
        seen = self.seen(value)
        return Field(value, seen.total, self.sizes, self.known) if seen and seen.total else None

    def local(self, value: Value) -> Field | None:
        """Return what a value sees without reductions over all positions."""
        seen = self.seen(value)
        return Field(value, seen.local, self.sizes, self.known) if seen and seen.local else None

    @cached_property
    def made_by(self) -> dict[Value, Call]:
        """The outermost module that made and returned each value; not those that passed it on."""
        maker = {
            value: index
            for index, node in enumerate(self.graph.nodes)
            for value in node.outputs
            if value is not None
        }
        return {
            value: call
            for call in self.graph.calls
            for value in call.outputs
            if maker.get(value, -1) in range(*call.nodes)
        }

    def without_reductions(self, value: Value) -> bool:
        """Return whether something is left of what a value sees without reductions over all."""
        seen = self.seen(value)
        return bool(seen and seen.local) and seen is not None and seen.local is not seen.total

    def module(self, node: int | None) -> str | None:
        """Return the path of the module that ran a node."""
        return None if node is None else self.graph.nodes[node].module


def examine(
    model: nn.Module,
    inputs: Inputs,
    *,
    studied: str | None = None,
    axes: tuple[int, ...] | None = None,
) -> Examination:
    """Run the model on shapes, or on data where that is needed, and look at every value.

    Raises `ForwardError` where nothing could be recorded, `UsageError` for an unknown input.
    """
    tensors = input_tensors(inputs)
    name = choose_input(tensors) if studied is None else studied
    if name not in tensors:
        raise UsageError(f"no input is called {name!r}; there are {', '.join(tensors) or 'none'}")
    bodiless = any(t.is_meta for t in [*model.parameters(), *tensors.values()])
    graph = capture(model, inputs, (name,))
    if graph.failure is not None:
        again = capture(model, inputs, (name,), data=not bodiless, constants=not bodiless)
        if again.failure is None or len(again.nodes) >= len(graph.nodes):
            graph = again
    if graph.failure is not None and not graph.nodes:
        raise ForwardError(f"the forward failed before its first layer: {graph.failure}")
    lowered = lower(graph)
    seed = graph.inputs[name]
    found = axes or positions(lowered, seed)
    wanted = [value for call in graph.calls for value in (*call.inputs, *call.outputs)]
    sight = look(lowered, seed, found, [*wanted, *graph.outputs.values()])
    return Examination(graph, lowered, name, found, sight)


def choose_input(tensors: dict[str, Tensor]) -> str:
    """Return the place of the input to study: images or signals before tokens, no mask."""
    ranked = sorted(
        (not tensor.is_floating_point(), tensor.dim() < 2, "mask" in name, place, name)
        for place, (name, tensor) in enumerate(tensors.items())
    )
    if not ranked:
        raise UsageError("the model is called without a tensor: there is no input to look at")
    return ranked[0][-1]


def positions(lowered: tuple[Lowered, ...], seed: Value) -> tuple[int, ...]:
    """Return the axes of an input along which positions lie: all but batch and features.

    The axis of features is the one that the first layer mixes; where that does not tell,
    (N, C, *positions) for four axes and more, and (N, positions, C) for three.
    """
    rank = len(seed.shape)
    if rank < 3:
        return (rank - 1,)
    candidates = tuple(range(1, rank))
    features = _first_mixed(lowered[:FIRST_NODES], seed, candidates)
    if features is None:
        features = 1 if rank > 3 else 2
    return tuple(axis for axis in candidates if axis != features)


def _first_mixed(
    lowered: tuple[Lowered, ...], seed: Value, candidates: tuple[int, ...]
) -> int | None:
    values = [value for each in lowered for value in each.node.outputs if value is not None]
    seen = look(lowered, seed, candidates, values).seen
    for each in lowered:
        for edge in each.edges:
            before = seen.get(edge.source)
            if before is None:
                continue
            patterns = list(before.total[0].sets)
            for step in edge.steps:
                axes = step.axes if isinstance(step, Reduce) else ()
                if isinstance(step, Mix) and step.groups < step.reads:
                    axes = (step.axis,)
                mixed = [n for n, p in enumerate(patterns) if set(axes) & set(p.units)]
                if len(mixed) == 1:
                    return candidates[mixed[0]]
                if mixed:
                    return None
                patterns = [step.apply(pattern) for pattern in patterns]
    return None


def grown(
    model: nn.Module, inputs: Inputs, found: Examination, target: Value
) -> Iterator[Examination]:
    """Yield the same model on inputs twice, four times ... as long, while it can be run so."""
    tensors = input_tensors(inputs)
    sizes = found.sizes
    more = 2 ** len(sizes)
    entries = _most_entries(found)
    while (
        max(sizes) * 2 <= LARGEST
        and prod(sizes) * more <= MOST_POSITIONS
        and entries * more <= MOST_ENTRIES
    ):
        sizes = tuple(size * 2 for size in sizes)
        larger = _resized(inputs, tensors[found.input], found.axes, sizes)
        graph = capture(model, larger, (found.input,))
        if not _alike(found.graph, graph, target):
            return
        lowered = lower(graph)
        wanted = [value for call in graph.calls for value in (*call.inputs, *call.outputs)]
        value = _find(graph, target)
        if value is None:
            return
        sight = look(lowered, graph.inputs[found.input], found.axes, [*wanted, value])
        again = Examination(graph, lowered, found.input, found.axes, sight)
        entries = _most_entries(again)
        yield again


def _most_entries(found: Examination) -> int:
    return max(
        pattern.entries.size
        for seen in found.sight.seen.values()
        for term in seen.total
        for pattern in term.sets
    )


def _find(graph: Graph, target: Value) -> Value | None:
    for node in graph.nodes:
        for value in node.outputs:
            if value is not None and value.index == target.index:
                return value
    return None


def _resized(
    inputs: Inputs, studied: Tensor, axes: tuple[int, ...], sizes: tuple[int, ...]
) -> Inputs:
    shape = list(studied.shape)
    for axis, size in zip(axes, sizes, strict=True):
        shape[axis] = size

    def larger(leaf: Any) -> Any:
        if leaf is not studied:
            return leaf
        return torch.empty(shape, dtype=leaf.dtype, device="meta")

    return Inputs(args=tree_map(larger, inputs.args), kwargs=tree_map(larger, dict(inputs.kwargs)))


def _alike(one: Graph, two: Graph, target: Value) -> bool:
    """Return whether both did the same up to a value, on maps of whatever size."""
    for a, b in zip(one.nodes, two.nodes, strict=False):
        indices = [None if value is None else value.index for value in a.outputs]
        if a.operator != b.operator or indices != [
            None if v is None else v.index for v in b.outputs
        ]:
            return False
        if target.index in indices:
            return True
    return False
