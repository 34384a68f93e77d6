"""Looks at a model once: which input, along which axes, and what every module's output sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from archscope.dependence.answer.axis_roles import Mixing, Roles, roles
from archscope.dependence.answer.backward import walk
from archscope.dependence.answer.fields import Field
from archscope.dependence.answer.forward import Dependences, Seen
from archscope.dependence.answer.lowering import lower
from archscope.dependence.answer.unbounded_axis import Place, places
from archscope.dependence.record.argument_names import argument_names, input_tensors
from archscope.dependence.record.capture import capture
from archscope.dependence.record.graph import Call, Graph, Value
from archscope.dependence.record.hidden_reads import with_hidden
from archscope.dependence.record.numbers_read import with_reads
from archscope.dependence.rules import Lowered
from archscope.dependence.sets.algebra import NUMBERS, Numbers, Presence
from archscope.dependence.sets.lines import Line
from archscope.dependence.sets.products import Ways
from archscope.errors import ForwardError, UsageError, did_you_mean, first_line
from archscope.subject import Inputs


@dataclass(frozen=True, eq=False)
class Examination:
    """One pass over the model."""

    graph: Graph
    lowered: tuple[Lowered, ...]
    input: str
    """The place of the studied input among the arguments."""
    roles: Roles
    """What its axes are."""
    dependences: Dependences
    known: dict[tuple[int, int, int], list[Line]] = field(default_factory=dict)
    """Lines that fields share; see `Field.known`."""
    _places: dict[int, Mapping[Value, Place]] = field(default_factory=dict)

    @property
    def seed(self) -> Value:
        """The studied input."""
        return self.graph.inputs[self.input]

    @property
    def axes(self) -> tuple[int, ...]:
        """The studied input's axes along which positions lie."""
        return self.roles.positions

    @property
    def sizes(self) -> tuple[int, ...]:
        """Positions of the studied input along each axis."""
        return tuple(self.seed.shape[axis] for axis in self.axes)

    def seen(self, value: Value) -> Seen | None:
        """Return what a value depends on; None for one that depends on nothing."""
        return self.dependences.seen.get(value)

    def total(self, value: Value) -> Field | None:
        """Return all that a value sees; None where it sees nothing."""
        seen = self.seen(value)
        return Field(value, seen.total, self.sizes, self.known) if seen and seen.total else None

    def local(self, value: Value) -> Field | None:
        """Return what a value sees without reductions over all positions."""
        seen = self.seen(value)
        return Field(value, seen.local, self.sizes, self.known) if seen and seen.local else None

    def local_or_total(self, value: Value | None) -> Field | None:
        """Return what a value sees without reductions over all positions, else all that it sees."""
        return None if value is None else self.local(value) or self.total(value)

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

    def places(self, axis: int) -> Mapping[Value, Place]:
        """Return where the units of values lie along one axis of positions, where that is told."""
        if axis not in self._places:
            self._places[axis] = places(self.lowered, self.seed, self.axes[axis])
        return self._places[axis]

    def again(self, value: Value) -> Value | None:
        """Return the value that a value of another pass over the model is in this one."""
        return next((one for one in self.dependences.seen if one.index == value.index), None)

    def ancestors(self, target: Value) -> set[Value]:
        """Return the values that a value is made of, and itself."""
        found = {target}
        for each in reversed(self.lowered):
            for edge in each.edges:
                if edge.target in found:
                    found.add(edge.source)
        return found

    def without_reductions(self, value: Value) -> bool:
        """Return whether something is left of what a value sees without reductions over all."""
        seen = self.seen(value)
        return bool(seen and seen.local) and seen is not None and seen.local is not seen.total

    def ways(
        self,
        target: Value,
        unit: dict[int, int],
        wanted: Iterable[Value],
        algebra: Numbers | Presence = NUMBERS,
    ) -> Iterator[tuple[Value, Ways]]:
        """Yield the ways to one unit from every element of the wanted values, the last first.

        Those through reductions over all positions are left out where others are left. `algebra`
        says whether they are counted.
        """
        cut = self.dependences.cut if self.without_reductions(target) else frozenset()
        return walk(self.lowered, target, unit, wanted, without=cut, algebra=algebra)

    def bounded_node(self, value: Value) -> int | None:
        """Return the first node on the way to a value whose rule is a bound; None: all is exact."""
        seen = self.seen(value)
        return None if seen is None else seen.bounded_by

    def module(self, node: int | None) -> str | None:
        """Return the path of the module that ran a node; `(model)` for the model itself."""
        return None if node is None else self.graph.nodes[node].module or "(model)"


def examine(
    model: nn.Module,
    inputs: Inputs,
    *,
    studied: str | None = None,
    axes: tuple[int, ...] | None = None,
    output: str | None = None,
) -> Examination:
    """Run the model on shapes, or on data where that is needed, and look at every value.

    `axes` are those of positions, found out where they are not given. Raises `ForwardError` where
    nothing could be recorded, `UsageError` for an unknown input or axis, and for an `output` that
    is not there: before anything is looked at, which takes longer than to run the model.
    """
    tensors = input_tensors(inputs)
    if not tensors:
        raise UsageError(
            "the model is called without a tensor: there is no input to look at."
            + inputs.shape_hint()
        )
    name = (
        _choose_input(model, tensors) if studied is None else _named_input(model, tensors, studied)
    )
    _check_runnable(model, name, tensors[name])
    graph = _recorded(model, inputs, name)
    chosen = None if output is None else named_value(graph, output)
    lowered = lower(graph)
    seed = graph.inputs[name]
    wanted = [value for call in graph.calls for value in (*call.inputs, *call.outputs)]
    wanted += graph.outputs.values()
    outputs = tuple(graph.outputs.values()) or tuple(wanted[-1:])
    mixing = Mixing(lowered, seed, outputs, wanted)
    known = roles(lowered, seed, mixing, axes)
    exam = Examination(graph, lowered, name, known, mixing.look(known.positions))
    asked = outputs if chosen is None else (chosen,)
    left = _told_apart(exam, asked) if axes is None else known.positions
    if left == known.positions:
        return exam
    fewer = replace(
        known,
        positions=left,
        read_whole=tuple(axis for axis in known.positions if axis not in left),
    )
    return Examination(graph, lowered, name, fewer, mixing.look(left))


def _recorded(model: nn.Module, inputs: Inputs, name: str) -> Graph:
    """Run the model on shapes, or on data where that is needed."""
    graph = capture(model, inputs, (name,))
    if graph.failure is None:
        return graph
    data = not any(t.is_meta for t in [*model.parameters(), *input_tensors(inputs).values()])
    again = capture(model, inputs, (name,), data=data, constants=data)
    if again.failure is None or len(again.nodes) >= len(graph.nodes):
        graph = with_reads(again, lambda n: capture(model, inputs, (name,), data=True, altered=n))
        if graph.executed == "data":
            graph = with_hidden(
                graph, lambda: capture(model, inputs, (name,), data=True, other=True)
            )
    if graph.failure is not None and not (graph.nodes and name in graph.inputs):
        raise ForwardError(
            f"the forward failed before its first layer: {first_line(graph.failure)}"
        )
    return graph


def named_value(graph: Graph, output: str) -> Value:
    """Return what a module made, by its path, or what the model returned, by its place."""
    # A module goes before a place among what the model returns: `0` is the first of a Sequential.
    calls = [call for call in graph.calls if call.path == output and call.outputs]
    if calls:
        return calls[-1].outputs[0]
    if output in graph.outputs:
        return graph.outputs[output]
    known = [*graph.outputs, *dict.fromkeys(call.path for call in graph.calls if call.path)]
    several = f" The outputs are {', '.join(graph.outputs)}." if len(graph.outputs) > 1 else ""
    raise UsageError(
        f"no output or module that ran is called {output!r}."
        + (did_you_mean(output, known) or several)
    )


def _told_apart(exam: Examination, outputs: tuple[Value, ...]) -> tuple[int, ...]:
    """Return the axes along which outputs have places of their own; all, where none is so.

    Of a spectrogram whose frequencies become features, time is left.
    """
    for value in outputs:
        field = exam.local_or_total(value)
        if field is None:
            continue
        own = [axis for axis, p in zip(exam.axes, field.patterns, strict=True) if p.units]
        return tuple(own) or exam.axes
    return exam.axes


def _check_runnable(model: nn.Module, name: str, studied: Tensor) -> None:
    if not studied.numel():
        shape = "×".join(map(str, studied.shape))
        raise UsageError(f"input {name!r} is empty: its shape is {shape}")
    kind = _odd_kind(studied)
    if kind:
        raise UsageError(
            f"input {name!r} is {kind}: no positions are followed through such tensors"
        )
    lazy = [path for path, p in model.named_parameters() if is_lazy(p)]
    if lazy:
        raise UsageError(
            f"{lazy[0]} has no shape yet: call the model, which has lazy modules, once"
        )


def _odd_kind(tensor: Tensor) -> str:
    """Return what a tensor is that is no plain block of numbers and cannot be looked through."""
    if tensor.is_nested:
        return "a nested tensor"
    return f"of layout {str(tensor.layout)[6:]}" if tensor.layout in _UNFOLLOWED else ""


_UNFOLLOWED = (torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc)


def _named_input(model: nn.Module, tensors: dict[str, Tensor], asked: str) -> str:
    """Return the place of an input that is called by its place or by the forward's own word."""
    names = argument_names(model, tensors)
    found = [place for place, name in names.items() if asked in (place, name)]
    if not found and asked.isdecimal() and int(asked) < len(names):
        return list(names)[int(asked)]  # given by names, they are counted as they stand
    if not found:
        known = list(names.values())
        raise UsageError(
            f"no input is called {asked!r}; there are {', '.join(known) or 'none'}."
            + did_you_mean(asked, known)
        )
    return found[0]


def _choose_input(model: nn.Module, tensors: dict[str, Tensor]) -> str:
    """Return the place of the input to study: images or signals before tokens, no mask."""
    names = argument_names(model, tensors)
    return min(
        ("mask" in names[place], not tensor.is_floating_point(), tensor.dim() < 2, at, place)
        for at, (place, tensor) in enumerate(tensors.items())
    )[-1]
