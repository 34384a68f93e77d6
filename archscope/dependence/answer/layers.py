"""What the output of each call of a module sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from archscope.dependence.answer.backward import walk
from archscope.dependence.answer.examine import Examination
from archscope.dependence.answer.fields import Field, has_units
from archscope.dependence.answer.phases import Least, least
from archscope.dependence.record.graph import Call, Value
from archscope.dependence.sets.algebra import PRESENCE
from archscope.dependence.sets.products import reached
from archscope.dependence.sets.steps import Keep

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


def output_layer(
    given: Examination, best: Examination, value: Value, output: str | None
) -> Layer | None:
    """Return what an output of the model sees, of that name; None where it sees nothing."""
    return _layer(given, best, _call_of(given, value, output), value, looks=False)


def layers_of(given: Examination, best: Examination, target: Layer) -> Iterator[Layer]:
    """Yield what every call of a module makes, the chosen output as it is known.

    What it reaches is counted by walking back, for those first that look around.
    """
    layers = [_as_chosen(layer, target) for layer in _each(given, best)]
    walked: dict[Value, int | None] = {}
    for layer in sorted(layers, key=lambda layer: not layer.looks):
        value = layer.field.value
        if layer.touched is None and value not in walked and len(walked) < MOST_WALKS:
            walked[value] = counted(layer, best).touched
    for layer in layers:
        if layer.touched is not None:
            yield layer
        elif layer.field.value in walked:
            yield replace(layer, touched=walked[layer.field.value])
        else:
            yield replace(layer, is_left_out=True)


def _each(given: Examination, best: Examination) -> Iterator[Layer]:
    of_parts = _called_on_parts(given)
    for call in given.graph.calls:
        if not call.outputs:
            continue
        looks = any(
            node in given.dependences.looked and given.graph.nodes[node].module == call.path
            for node in range(*call.nodes)
        )
        layer = _layer(
            given, best, call, call.outputs[0], looks=looks, of_part=call.path in of_parts
        )
        if layer is not None:
            yield layer


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


def counted(layer: Layer, best: Examination) -> Layer:
    """Return the layer with what a unit sees counted, where it is not known."""
    exam = best if layer.field.sizes == best.sizes else None
    if layer.touched is not None or exam is None or layer.field.value not in exam.dependences.seen:
        return layer
    found = dict(exam.ways(layer.field.value, layer.field.typical, [exam.seed], PRESENCE))
    if exam.seed not in found:
        return layer
    return replace(layer, touched=reached(found[exam.seed], exam.axes))


def seeing_most(layer: Layer, best: Examination) -> Layer:
    """Return the layer looked back from the unit of a few neighbours that sees most.

    Of units that a mask keeps by their places along several axes together, as a chessboard does,
    no axis by itself tells which see little.
    """
    field, middle = layer.field, layer.field.typical
    if layer.touched is not None or not field.is_map or not _is_kept_by_cells(best, layer):
        return layer
    beside = ((at, min(at + 1, field.value.shape[axis] - 1)) for axis, at in middle.items())
    units = (dict(zip(middle, places, strict=True)) for places in product(*beside))
    each = [counted(replace(layer, field=replace(field, chosen=unit)), best) for unit in units]
    return max(each, key=lambda one: one.touched or 0)


def _is_kept_by_cells(exam: Examination, layer: Layer) -> bool:
    """Return whether a mask of several axes keeps some of what a layer is made of."""
    before = exam.ancestors(layer.field.value)
    return any(
        isinstance(step, Keep) and sum(size > 1 for size in step.mask.shape) > 1
        for each in exam.lowered
        for edge in each.edges
        if edge.target in before
        for step in edge.steps
    )


def _as_chosen(layer: Layer, target: Layer) -> Layer:
    """Return a layer with what is known of the chosen output, where it is that of a module too."""
    if layer.value != target.value:
        return layer
    layer = replace(layer, global_by=target.global_by) if layer.global_by else layer
    if target.field.chosen is None:
        return layer
    return replace(layer, field=target.field, touched=target.touched)


def depending(layer: Layer, best: Examination) -> Layer:
    """Return a counted layer with what a unit sees by all ways, where that is no product.

    A union over several axes is none: rows and columns of a cross are not all of a map.
    """
    exam = best if layer.field.sizes == best.sizes else None
    if layer.global_by is None or layer.total.is_exact or layer.touched is None or exam is None:
        return layer
    value, unit = layer.field.value, layer.field.typical
    every = dict(walk(exam.lowered, value, unit, [exam.seed], algebra=PRESENCE))
    depends = reached(every[exam.seed], exam.axes) if exam.seed in every else 0
    is_all = depends > layer.touched or depends == prod(exam.sizes)
    return replace(
        layer,
        depends=depends if exam.sizes == layer.total.sizes else None,
        global_by=layer.global_by if is_all else None,
    )
