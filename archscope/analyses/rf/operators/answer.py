"""What the outputs of any module see, found in the operators that it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.operators import notes as words
from archscope.analyses.rf.operators import verdict as verdicts
from archscope.analyses.rf.operators.growth import is_partly_clear, is_told, to_ends_by
from archscope.analyses.rf.operators.layer_rows import layers_of, seen_of, touched_1d
from archscope.analyses.rf.operators.map_rows import map_rows
from archscope.analyses.rf.operators.order import ahead, orders, others_ahead
from archscope.analyses.rf.rows import MapRow, UnitRow
from archscope.analyses.rf.totals import Totals
from archscope.theory import metrics

if TYPE_CHECKING:
    from torch import nn

    from archscope.dependence.answer.causality import Causality
    from archscope.dependence.answer.fields import Field
    from archscope.dependence.answer.phases import Least
    from archscope.dependence.answer.receptive import Receptive


def operators_answer(model: nn.Module, found: Receptive) -> Answer:
    """Return what was found of a model, the maps within among it."""
    maps, order = map_rows(found), orders(found)
    of_typical = map_rows(found.typical) if found.own_unit else maps
    totals = _with_maps(totals_of(found, order), of_typical, found.target.least)
    verdict, notes = words.notes(found, totals, maps, order)
    return Answer(
        totals=totals,
        layers=layers_of(model, found),
        maps=maps,
        unit=tuple(_unit(found)),
        verdict=verdict,
        notes=notes,
        device="meta" if found.given.graph.executed == "shapes" else "cpu",
        about=_axes(model, found),
        seen_of=_input_of_several(model, found),
    )


def _axes(model: nn.Module, found: Receptive) -> str:
    """Return what the axes of the input are, for the title."""
    roles = found.given.roles
    listed = ",".join(map(str, roles.positions))
    words = [f"positions along ax{'is' if len(roles.positions) == 1 else 'es'} {listed}"]
    if name := _input_of_several(model, found):
        words[0] += f" of input {name}"
    words += [f"features {roles.features}"] if roles.features is not None else []
    words += [f"batch {roles.batch}"] if roles.batch is not None else []
    return ", ".join(words)


def _input_of_several(model: nn.Module, found: Receptive) -> str:
    """Return the name of the input that is traced back to, where there are several."""
    from archscope.dependence.record.argument_names import argument_names

    return argument_names(model, found.inputs)[found.given.input] if len(found.inputs) > 1 else ""


def _name_of(found: Receptive) -> str:
    """Return the name of the chosen output: its place where the model returns several."""
    places = found.given.graph.outputs
    if found.target.call.path or len(set(places.values())) < 2:
        return found.target.name
    place = next((at for at, value in places.items() if value == found.target.value), None)
    return found.target.name if place is None else f"output {place}"


def totals_of(found: Receptive, order: Sequence[Causality | None] = ()) -> Totals:
    """Return what the chosen output sees, of the input alone; `order` as `orders` tells it."""
    from archscope.dependence.answer.fields import has_units

    layer = found.target
    seen, roles, least = seen_of(layer), found.given.roles, layer.least
    bounded = layer.bounded_by is not None
    whole = layer.total if has_units(layer.total) else found.given.local(layer.value)
    names = ("reached", "coverage", "streams", "jump", "start")
    return Totals(
        output=_name_of(found),
        axes=len(found.given.axes),
        reached_1d=touched_1d(layer.field),
        global_by=layer.global_by,
        to_ends_by=to_ends_by(found),
        depends_on=verdicts.partly(layer) if layer.global_by else None,
        reads_all=found.output_is_all,
        ahead=ahead(found, order),
        others_ahead=max(others_ahead(found).values(), default=None),
        others_coverage=verdicts.others_coverage(found),
        of_input=found.given.input,
        position_axes=roles.positions,
        feature_axis=roles.features,
        batch_axis=roles.batch,
        **_blind(whole, bounded=bounded),
        outputs=None if whole is None else whole.outputs,
        operators_unknown=len(words.flagged(found)),
        at_least=not is_told(found) and layer.global_by is None,
        bounded_by=layer.bounded_by,
        is_full=not bounded
        and seen["reached"] == seen["positions"]
        and (least is None or least.share == 1),
        complete=not bounded
        and (least is None or least.is_all)
        and seen["reached"] is not None
        and (is_told(found) or layer.global_by is not None)
        and not is_partly_clear(found),
        unknown=", ".join(name for name in names if seen[name] is None),
        **seen,
    )


def _blind(field: Field | None, *, bounded: bool) -> dict[str, Any]:
    """Return how many outputs see nothing of the input, where that is known."""
    found = None if field is None or bounded else field.blind
    return {} if found is None else {"blind": found[0], "blind_inside": found[1]}


def _with_maps(totals: Totals, maps: Sequence[MapRow], least: Least | None) -> Totals:
    """Return totals with what the maps within tell, and the input among them."""
    worst = verdicts.worst(maps)
    within = [row for row in maps if row.reads != "input" and row.layers > 1]
    streams = [max(row.streams) for row in within if row.streams]
    own = next((row for row in maps if row.reads == "input"), None)
    return replace(
        totals,
        max_gap=None if own is None else own.max_gap,
        has_gaps=True if least and least.has_gaps else None if own is None else own.has_gaps,
        erf_sd=None if own is None else own.erf_sd,
        worst_map=None if worst is None else worst.reads,
        worst_map_coverage=None if worst is None else worst.coverage,
        worst_map_streams=max(streams, default=None),
    )


def _unit(found: Receptive) -> Iterator[UnitRow]:
    field = found.looked_at
    for axis in range(len(field.sizes)):
        line = field.row(axis, found.unit)
        seen = line.sets[0]
        if not seen:
            continue
        own = field.map_axis(axis)
        yield UnitRow(
            axis=found.given.axes[axis],
            unit=None if own is None else found.unit[own],
            input_size=field.sizes[axis],
            first=metrics.first(seen),
            last=seen.bit_length() - 1,
            window=metrics.hull(seen),
            reached=seen.bit_count(),
            clipped=line.clipped[0],
        )
