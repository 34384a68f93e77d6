"""The receptive field of every module's output, and of one output against every map within."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from math import prod

from torch import Tensor, nn

from archscope.dependence.answer.away_from_borders import away_from_borders
from archscope.dependence.answer.examine import Examination, examine, named_value
from archscope.dependence.answer.fields import Field, has_units
from archscope.dependence.answer.growth import ALIKE, Growth
from archscope.dependence.answer.interior import is_clear
from archscope.dependence.answer.layers import (
    Layer,
    counted,
    depending,
    layers_of,
    output_layer,
    seeing_most,
)
from archscope.dependence.record.argument_names import input_tensors
from archscope.dependence.record.graph import Value
from archscope.errors import ForwardError, UsageError
from archscope.subject import Inputs

MOST_LAST = 8
"""Maps before a reduction of which the one that sees most stands for all."""
MOST_PASSES = 6
"""Sizes of the input on which what the model returns beside the chosen output is looked at."""


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
    inputs: Mapping[str, Tensor]
    """All tensors that the model is called with, by their places."""

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
    target = output_layer(given, best, value, output)
    assert target is not None
    target = depending(counted(seeing_most(target, best), best), best)
    is_before = output is None and value not in given.graph.outputs.values()
    found = Receptive(
        given=given,
        best=best,
        growth=growth,
        layers=tuple(layers_of(given, best, target)),
        target=target,
        others=dict(_others(model, inputs, given, best, value)) if output is None else {},
        is_whole=target.field.is_whole or growth.reason == ALIKE,
        looked_from=best,
        unit=target.field.typical,
        own_unit=False,
        is_before=is_before,
        output_is_all=_all_after(given, value) if is_before else None,
        inputs=input_tensors(inputs),
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
        layer = output_layer(given, exam or best, value, place)
        if layer is not None:
            yield place, counted(layer, tried[layer.field.sizes])


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

    if last := list(islice(_last_maps(given, outputs, within()), MOST_LAST)):
        return max(last, key=lambda value: _width(given, value))  # of equals the last
    for value in chain(outputs, within()):
        return value
    if given.graph.failure is not None:
        raise ForwardError(f"the forward failed: {given.graph.failure}")
    raise UsageError("no output depends on the input that is studied")


def _last_maps(
    given: Examination, outputs: Sequence[Value], within: Iterable[Value]
) -> Iterator[Value]:
    """Yield the maps that outputs are made of and no other such map, of those within, last first:
    where the model itself adds two before it reduces them, both."""
    made_of = {one for output in outputs for one in given.ancestors(output)}
    inner: set[Value] = set()
    for value in within:
        if value in inner or (outputs and value not in made_of):
            continue
        if has_units(given.local(value)) and not _is_adaptive(given, value):
            inner |= given.ancestors(value)
            yield value


def _width(given: Examination, value: Value) -> int:
    """Return over how many positions the widest window of a map goes."""
    field = given.local(value)
    return 0 if field is None else prod(line.hulls[1] for line in field.lines)


def _sees(given: Examination, value: Value) -> bool:
    """Return whether a value depends on the input at all."""
    total = given.total(value)
    return total is not None and not total.is_empty


def _is_adaptive(given: Examination, value: Value) -> bool:
    """Return whether a map is of fixed size whatever the input's: it comes before a head."""
    maker = next((n for n in given.graph.nodes if value in n.outputs), None)
    return maker is not None and "adaptive" in maker.operator


def _all_after(given: Examination, value: Value) -> str | None:
    """Return the module that first reduces all positions after a value, or else beside it; None:
    the value itself sees all, and outputs are some of its places, as the first token."""
    for output in given.graph.outputs.values():
        seen = given.seen(output)
        if seen is not None and output != value and not has_units(given.local(output)):
            cuts = given.dependences.cut
            later = (
                place
                for place, each in enumerate(given.lowered)
                if any(edge in cuts and edge.target.index > value.index for edge in each.edges)
            )
            within = given.seen(value)
            beside = seen.cut_by if within is None or within.cut_by is None else None
            return given.module(next(later, beside))
    return None


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
