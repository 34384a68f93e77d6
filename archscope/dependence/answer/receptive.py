"""The receptive field of every module's output, and of one output against every map within."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import prod

from torch import nn

from archscope.dependence.answer.away_from_borders import away_from_borders
from archscope.dependence.answer.backward import walk
from archscope.dependence.answer.examine import Examination, examine, named_value
from archscope.dependence.answer.fields import Field, has_units
from archscope.dependence.answer.growth import ALIKE, Growth
from archscope.dependence.answer.interior import is_clear
from archscope.dependence.answer.phases import Least, least
from archscope.dependence.record.argument_names import input_tensors
from archscope.dependence.record.graph import Call, Value
from archscope.dependence.sets.products import reached
from archscope.errors import ForwardError, UsageError
from archscope.subject import Inputs

MOST_PASSES = 6
"""Sizes of the input on which what the model returns beside the chosen output is looked at."""
MOST_WALKS = 24
"""Layers whose windows are walked back one by one, where sets forward are only bounds."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One call of a module, and what its output sees."""

    call: Call
    value: Value
    """Its first output that depends on the input, at the given size."""
    total: Field
    """All that it sees of the given input."""
    field: Field
    """What it sees away from borders and without reductions over all positions, where there is
    such; of a larger input where the given one is too small to tell."""
    looks: bool
    """Whether its own operators, not those of its parts, look at other positions."""
    global_by: str | None
    """The module that first made it depend on all positions; None: none did."""
    bounded_by: str | None
    """The operator whose rule is a bound, where all this is one."""
    touched: int | None
    """Positions that a unit in the middle sees over all axes; None where not known exactly."""
    least: Least | None
    """The unit that sees least of its own window; None where all see alike, or that is not known.
    """
    start: tuple[int, ...] | None
    """The first position that unit 0 of the given input would see along each axis, negative inside
    padding; None: no such."""
    depends: int | None = None
    """Positions of the given input that a unit in the middle sees by all ways, reductions too,
    where that was counted; else `total` tells."""
    is_left_out: bool = False
    """Whether what it reaches was not counted since `MOST_WALKS` other layers were."""

    @property
    def name(self) -> str:
        """Its path, and which call it was, if not the first."""
        path = self.call.path or "(model)"
        return path if self.call.number == 1 else f"{path} (call {self.call.number})"


@dataclass(frozen=True, eq=False)
class Receptive:
    """All that is known of one model and one chosen output."""

    given: Examination
    """The model on the inputs that were given."""
    best: Examination
    """The model on inputs on which the output is away from borders, where that was found."""
    growth: Growth
    """How the search for such inputs ended."""
    layers: tuple[Layer, ...]
    target: Layer
    """The chosen output."""
    others: Mapping[str, Layer]
    """What else the model returns that tells positions apart, by place, where none was chosen."""
    is_whole: bool
    """Whether the chosen output's window is known without a border of the input."""
    looked_from: Examination
    """The pass in which one unit is looked back from: `given` where the unit was chosen, else
    `best`."""
    unit: dict[int, int]
    """That unit, by axis of the chosen output."""
    own_unit: bool
    """Whether the user chose it."""
    is_before: bool
    """Whether the chosen output is a map before the network's own, which tells none apart."""
    output_is_all: str | None
    """The module that makes the network's own output depend on all positions, where the chosen
    output is what came before it."""
    inputs: tuple[str, ...]
    """The places of all tensors that the model is called with."""

    @property
    def typical(self) -> Receptive:
        """The same, looked back from a unit in the middle."""
        unit = self.target.field.typical
        return replace(self, looked_from=self.best, unit=unit, own_unit=False)

    @property
    def looked_at(self) -> Field:
        """What the chosen output sees in the pass in which one unit is looked back from."""
        exam, target = self.looked_from, self.target
        if target.field.sizes == exam.sizes:
            return target.field
        near = exam.local(target.value)
        return near if near is not None and has_units(near) else target.total


def receptive(
    model: nn.Module,
    inputs: Inputs,
    *,
    output: str | None = None,
    unit: Sequence[int] | None = None,
    studied: str | None = None,
    axes: tuple[int, ...] | None = None,
) -> Receptive:
    """Look at every module's output, and at one from all sides.

    `output` is a module's path or the place of a tensor that the model returns; by default the
    model's own or, where that sees everything, the last map before. `unit` fixes the unit of it
    that is looked back from, one number per axis of positions. Raises `UsageError` for an output
    or a unit that is not there, `ForwardError` where nothing could be run.
    """
    given = examine(model, inputs, studied=studied, axes=axes, output=output)
    value = _default(given) if output is None else named_value(given.graph, output)
    if not _sees(given, value):
        raise UsageError("the chosen output does not depend on the input that is studied")
    best, growth = away_from_borders(model, inputs, given, value)
    target = _layer(given, best, _call_of(given, value, output), value, looks=False)
    assert target is not None
    typical = target.field.typical
    target = _depending(_counted(target, best, typical), best, typical)
    layers = tuple(
        replace(one, global_by=target.global_by) if one.value == value and one.global_by else one
        for one in _with_counts(tuple(_layers(given, best)), best)
    )
    is_before = output is None and value not in given.graph.outputs.values()
    found = Receptive(
        given=given,
        best=best,
        growth=growth,
        layers=layers,
        target=target,
        others=dict(_others(model, inputs, given, best, value)) if output is None else {},
        is_whole=target.field.is_whole or growth.reason == ALIKE,
        looked_from=best,
        unit=typical,
        own_unit=False,
        is_before=is_before,
        output_is_all=_all_after(given, value) if is_before else None,
        inputs=tuple(input_tensors(inputs)),
    )
    if unit is None:
        return found
    found = replace(found, looked_from=given, own_unit=True)
    return replace(found, unit=_unit(found.looked_at, unit))


def _others(
    model: nn.Module, inputs: Inputs, given: Examination, best: Examination, chosen: Value
) -> Iterator[tuple[str, Layer]]:
    """Yield what else the model returns that tells positions apart, each away from borders."""
    tried: dict[tuple[int, ...], Examination] = {given.sizes: given, best.sizes: best}
    for place, value in given.graph.outputs.items():
        if value == chosen or not (has_units(given.total(value)) or has_units(given.local(value))):
            continue
        exam = next((one for one in tried.values() if is_clear(one, value)), None)
        if exam is None and len(tried) < MOST_PASSES:
            exam, _ = away_from_borders(model, inputs, given, value)
            tried[exam.sizes] = exam
        layer = _layer(given, exam or best, _call_of(given, value, place), value, looks=False)
        if layer is not None:
            yield place, _counted(layer, tried[layer.field.sizes], layer.field.typical)


def _default(given: Examination) -> Value:
    """Return the first output that tells positions apart, or the last map before it."""
    outputs = [value for value in given.graph.outputs.values() if _sees(given, value)]
    for value in outputs:
        seen = given.seen(value)
        is_bound = seen is not None and seen.bounded_by is not None
        if is_bound or has_units(given.total(value)) or has_units(given.local(value)):
            return value

    def within() -> Iterator[Value]:
        calls = reversed(given.graph.calls) if outputs or not given.graph.outputs else ()
        yield from (value for call in calls for value in call.outputs if _sees(given, value))

    for value in within():
        if has_units(given.local(value)) and not _is_adaptive(given, value):
            return value
    for value in chain(outputs, within()):
        return value
    if given.graph.failure is not None:
        raise ForwardError(f"the forward failed: {given.graph.failure}")
    raise UsageError("no output depends on the input that is studied")


def _sees(given: Examination, value: Value) -> bool:
    """Return whether a value depends on the input at all."""
    total = given.total(value)
    return total is not None and not total.is_empty


def _is_adaptive(given: Examination, value: Value) -> bool:
    """Return whether a map is of fixed size whatever the input's: it comes before a head."""
    maker = next((n for n in given.graph.nodes if value in n.outputs), None)
    return maker is not None and "adaptive" in maker.operator


def _all_after(given: Examination, value: Value) -> str | None:
    """Return the module that first reduces all positions after a value, or else at all."""
    for output in given.graph.outputs.values():
        seen = given.seen(output)
        if seen is not None and output != value and not has_units(given.local(output)):
            cuts = given.dependences.cut
            later = (
                place
                for place, each in enumerate(given.lowered)
                if any(edge in cuts and edge.target.index > value.index for edge in each.edges)
            )
            return given.module(next(later, seen.cut_by))
    return None


def _layers(given: Examination, best: Examination) -> Iterator[Layer]:
    of_parts = _called_on_parts(given)
    for call in given.graph.calls:
        looks = any(
            node in given.dependences.looked and given.graph.nodes[node].module == call.path
            for node in range(*call.nodes)
        )
        if not call.outputs:
            continue
        layer = _layer(
            given, best, call, call.outputs[0], looks=looks, of_part=call.path in of_parts
        )
        if layer is not None:
            yield layer


def _with_counts(layers: Sequence[Layer], best: Examination) -> Iterator[Layer]:
    """Yield layers with what they reach counted by walking back, those first that look around."""
    walked: dict[Value, int | None] = {}
    for layer in sorted(layers, key=lambda layer: not layer.looks):
        value = layer.field.value
        if layer.touched is None and value not in walked and len(walked) < MOST_WALKS:
            walked[value] = _counted(layer, best, layer.field.typical).touched
    for layer in layers:
        if layer.touched is not None:
            yield layer
        elif layer.field.value in walked:
            yield replace(layer, touched=walked[layer.field.value])
        else:
            yield replace(layer, is_left_out=True)


def _called_on_parts(given: Examination) -> frozenset[str]:
    """Return the modules that a loop calls on one part after another: none reduces all positions.

    Each call may reduce all that it is given.
    """
    calls = Counter(call.path for call in given.graph.calls)
    parts: dict[str, set[tuple[int, ...]]] = {}
    for call in given.graph.calls:
        seen = given.seen(call.outputs[0]) if call.outputs and calls[call.path] > 1 else None
        total = given.total(call.outputs[0]) if seen and seen.cut_by is not None else None
        if total is not None:
            parts.setdefault(call.path, set()).add(total.together)
    return frozenset(path for path, each in parts.items() if len(each) > 1)


def _layer(
    given: Examination,
    best: Examination,
    call: Call,
    value: Value,
    *,
    looks: bool,
    of_part: bool = False,
) -> Layer | None:
    total = given.total(value)
    seen = given.seen(value)
    if total is None or seen is None:
        return None
    again = best.again(value) or value
    near = (None if of_part else given.local(value)) or total
    wider = (None if of_part else best.local(again)) or best.total(again) or near
    field = wider if best.seen(again) else near
    if best is not given and not near.maps_alike(field):
        field = near
    if not has_units(field):
        field = total
    bound = None if seen.bounded_by is None else given.graph.nodes[seen.bounded_by].operator
    return Layer(
        call=call,
        value=value,
        total=total,
        field=field,
        looks=looks,
        global_by=None if of_part else given.module(seen.cut_by),
        bounded_by=bound,
        touched=field.count(field.typical) if field.is_exact else None,
        least=least(field) if bound is None else None,
        start=_start(given, best, value, field),
    )


def _start(
    given: Examination, best: Examination, value: Value, field: Field
) -> tuple[int, ...] | None:
    """Return the first position that unit 0 of the given input would see, if maps had no ends."""
    if not field.is_map:
        return None
    found = []
    for axis, line in enumerate(field.lines):
        place = given.places(axis).get(value)
        if place is not None and line.is_regular and line.jump == place.jump:
            found.append(place.start)
        elif best is given and line.start is not None:
            found.append(line.start)
        else:
            return None
    return tuple(found)


def _counted(layer: Layer, best: Examination, unit: dict[int, int]) -> Layer:
    """Return the layer with what a unit sees counted by walking back from it."""
    exam = best if layer.field.sizes == best.sizes else None
    if layer.touched is not None or exam is None or layer.field.value not in exam.dependences.seen:
        return layer
    found = dict(exam.ways(layer.field.value, unit, [exam.seed]))
    if exam.seed not in found:
        return layer
    return replace(layer, touched=reached(found[exam.seed], exam.axes))


def _depending(layer: Layer, best: Examination, unit: dict[int, int]) -> Layer:
    """Return a counted layer with what a unit sees by all ways, where that is no product.

    A union over several axes is none: rows and columns of a cross are not all of a map.
    """
    exam = best if layer.field.sizes == best.sizes else None
    if layer.global_by is None or layer.total.is_exact or layer.touched is None or exam is None:
        return layer
    every = dict(walk(exam.lowered, layer.field.value, unit, [exam.seed]))
    depends = reached(every[exam.seed], exam.axes) if exam.seed in every else 0
    is_all = depends > layer.touched or depends == prod(exam.sizes)
    return replace(
        layer,
        depends=depends if exam.sizes == layer.total.sizes else None,
        global_by=layer.global_by if is_all else None,
    )


def _call_of(given: Examination, value: Value, output: str | None) -> Call:
    found = given.made_by.get(value)
    if found is not None:
        return found
    return Call(
        path="",
        kind=f"output {output}" if output else "output",
        number=1,
        inputs=(),
        outputs=(value,),
        nodes=(0, len(given.graph.nodes)),
    )


def _unit(field: Field, unit: Sequence[int]) -> dict[int, int]:
    axes = field.unit_axes
    sizes = [field.value.shape[axis] for axis in axes]
    if len(unit) != len(axes) or any(
        not 0 <= at < size for at, size in zip(unit, sizes, strict=False)
    ):
        shape = "×".join(map(str, sizes))
        raise UsageError(
            f"the output has {shape} units; {','.join(map(str, unit))} is none of them"
        )
    return dict(zip(axes, unit, strict=True))
