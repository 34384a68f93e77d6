"""What the outputs of any module see, found in the operators that it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, Any

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.numbers import plain, ratio
from archscope.analyses.rf.operators import notes as words
from archscope.analyses.rf.operators import verdict as verdicts
from archscope.analyses.rf.operators.growth import grows_with_input, is_partly_clear, to_ends_by
from archscope.analyses.rf.operators.order import ahead, orders, others_ahead
from archscope.analyses.rf.rows import LayerRow, MapRow, Sizes, UnitRow
from archscope.analyses.rf.totals import Totals
from archscope.theory import metrics

if TYPE_CHECKING:
    from torch import nn

    from archscope.dependence.answer.causality import Causality
    from archscope.dependence.answer.fields import Field
    from archscope.dependence.answer.layers import Layer
    from archscope.dependence.answer.maps import Map
    from archscope.dependence.answer.phases import Least
    from archscope.dependence.answer.receptive import Receptive


MOST_CALLS = 8
"""Calls of one module that a table lists; of more it has the first and the last."""
MOST_CELLS = 1 << 22
"""Positions of a map over all axes up to which it is looked at for gaps."""


def operators_answer(model: nn.Module, found: Receptive) -> Answer:
    """Return what was found of a model, the maps within among it."""
    from archscope.dependence.answer.maps import maps_within

    def within(seen: Receptive) -> tuple[MapRow, ...]:
        rows = [_map_row(one) for one in maps_within(seen)]
        return _listed_maps(rows[::-1])

    maps, order = within(found), orders(found)
    of_typical = within(found.typical) if found.own_unit else maps
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


def layers_of(model: nn.Module, found: Receptive) -> tuple[LayerRow, ...]:
    """Return a row for each module that ran; the model itself goes by its parts, if it has any."""
    called = [layer for layer in found.layers if layer.call.path] or found.layers
    rows = [layer_row(model, layer, found) for layer in called]
    looks = [layer.looks for layer in called]
    own = next((layer for layer in found.layers if not layer.call.path), None)
    if own is not None and own not in called:
        row = layer_row(model, own, found)
        if all(_sees_unlike(row, other) for other in rows):
            rows, looks = [*rows, row], [*looks, True]
    last = {layer.call.path: layer.call.number for layer in called}
    many = {
        row.layer
        for row, layer in zip(rows, called, strict=False)
        if row.call not in (1, last[layer.call.path]) and last[layer.call.path] > MOST_CALLS
    }
    return tuple(
        replace(row, listed=row.listed and row.layer not in many) for row in _listed(rows, looks)
    )


def _sees_unlike(one: LayerRow, other: LayerRow) -> bool:
    """Return whether two outputs differ in what they see, as behind a pool between modules."""
    names = ("receptive_field", "local_field", "jump", "output_size", "reached", "global_by")
    return any(getattr(one, name) != getattr(other, name) for name in names)


def _listed(rows: Sequence[LayerRow], looks: Sequence[bool]) -> Iterator[LayerRow]:
    """Yield rows, those alone listed whose module looks at other positions or sees more.

    The last one is listed in any case: nothing else says what it does.
    """
    most = 0
    for number, (row, looks_around) in enumerate(zip(rows, looks, strict=True), start=1):
        sees = max(row.local_field or row.receptive_field, default=0)
        sees_more = row.local_field is not None and sees > most
        yield replace(row, listed=looks_around or sees_more or number == len(rows))
        if row.local_field or not row.global_by:
            most = max(most, sees)


def layer_row(model: nn.Module, layer: Layer, found: Receptive) -> LayerRow:
    """Return what one module's output sees, or that of the model itself."""
    from archscope.dependence.record.module_windows import module_window
    from archscope.running.attributes import part_of

    axes = len(found.given.axes)
    own = module_window(part_of(model, layer.call.path), axes)
    given, seen = found.given.local(layer.value), _seen(layer)
    unknown = ["reached", "coverage"] if seen["reached"] is None else []
    unknown += ["streams"] if seen["streams"] is None else []
    return LayerRow(
        layer=layer.name,
        type=layer.call.kind,
        call=layer.call.number,
        kind=own.kind,
        axes=axes,
        kernel=own.kernel,
        dilation=own.dilation,
        stride=own.stride,
        padding_before=own.padding_before,
        padding_after=own.padding_after,
        effective_kernel=own.effective_kernel,
        output_size=_units(layer.total) or (None if given is None else _units(given)),
        global_by=layer.global_by or "",
        bounded_by=layer.bounded_by or "",
        at_least=not layer.field.is_whole,
        unknown=", ".join(unknown),
        **seen,
    )


def _seen(layer: Layer) -> dict[str, Any]:
    """Return the fields that a row and the totals share."""
    total, field, least = layer.total, layer.field, layer.least
    window = _window(field)
    is_global = layer.global_by is not None
    whole = tuple(line.hulls[1] for line in total.lines)
    # Of outputs that all see the same there is no step from one to the next, nor a first position.
    steps = [line.jump or None for line in field.lines]
    jumps, starts = _all_known(steps), layer.start if all(steps) else None
    touched = _touched(field)
    reached = layer.touched if layer.touched is None or layer.touched <= prod(window) else None
    return {
        "receptive_field": whole if is_global else window,
        "smallest_field": tuple(line.least for line in (total if is_global else field).lines),
        "local_field": window if is_global and _is_local(layer) else None,
        "jump": None if jumps is None else tuple(map(plain, jumps)),
        "start": starts,
        "centre": None
        if starts is None
        else tuple(
            plain(at + Fraction(size - 1, 2)) for at, size in zip(starts, window, strict=True)
        ),
        "reached": reached,
        "positions": prod(window),
        "coverage": ratio(reached, prod(window)) if least is None else float(least.share),
        "coverage_1d": _shares(touched, window) if least is None else _floats(least.along),
        "streams": _all_known([line.streams for line in field.lines]),
    }


def _shares(touched: Sizes | None, window: Sizes) -> tuple[float, ...] | None:
    if touched is None:
        return None
    return tuple(one / max(size, 1) for one, size in zip(touched, window, strict=True))


def _floats(shares: Sequence[Fraction]) -> tuple[float, ...]:
    return tuple(map(float, shares))


def _window(field: Field) -> Sizes:
    """Return the window of a typical unit; where units lie along no axes, of one that sees most."""
    if field.is_map:
        return tuple(line.hulls[1] for line in field.lines)
    rows = (field.row(axis, field.typical) for axis in range(len(field.sizes)))
    return tuple(int(row.widths[0]) for row in rows)


def _all_known(numbers: Sequence[Any]) -> tuple[Any, ...] | None:
    """Return a number for each axis; None where one is not known."""
    return None if None in numbers else tuple(numbers)


def _is_local(layer: Layer) -> bool:
    return layer.field.terms is not layer.total.terms and any(
        pattern.units for pattern in layer.field.patterns
    )


def _units(field: Field) -> Sizes | None:
    axes = [field.map_axis(axis) for axis in range(len(field.sizes))]
    return tuple(field.value.shape[a] for a in axes if a is not None) if None not in axes else None


def _touched(field: Field) -> Sizes | None:
    """Return how many positions a unit sees along each axis; None where it sees none."""
    unit = field.typical
    seen = [field.row(axis, unit).sets[0].bit_count() for axis in range(len(field.lines))]
    return tuple(seen) if all(seen) else None


def _map_row(one: Map) -> MapRow:
    seen = list(map(_bits, one.seen))
    hulls = tuple(map(metrics.hull, seen))
    touched = tuple(each.bit_count() for each in seen)
    paths = list(map(_marginal, one.paths))
    steps = [int(j) if j is not None and j.denominator == 1 and j > 0 else None for j in one.jump]
    known = [step for step in steps if step is not None]
    regular = len(known) == len(steps)
    first, last = (one.through[0], one.through[-1]) if one.through else ("", "")
    return MapRow(
        reads=one.name,
        through=first if first == last else f"{first}–{last}",
        layers=len(one.through),
        axes=len(seen),
        hull=hulls,
        touched=touched,
        coverage_1d=tuple(part / size for part, size in zip(touched, hulls, strict=True)),
        coverage=one.reached / prod(hulls),
        reached=one.reached,
        positions=prod(hulls),
        has_gaps=_has_gaps(one, hulls),
        jump=None if None in one.jump else tuple(plain(j) for j in one.jump if j is not None),
        streams=tuple(map(metrics.streams, seen, known)) if regular else None,
        max_gap=tuple(map(metrics.longest_gap, seen)),
        solid_core=tuple(map(metrics.solid_core, seen)),
        adjacent_overlap=tuple(map(metrics.overlap, seen, known)) if regular else None,
        input_use=tuple(map(metrics.input_use, seen, known)) if regular else None,
        uniformity=tuple(map(metrics.uniformity, paths, hulls)),
        erf_sd=tuple(map(metrics.standard_deviation, paths)),
        width_95=tuple(map(metrics.held_width, paths)),
        clipped=one.clipped,
        unknown="" if regular else "streams, adjacent_overlap, input_use",
    )


def _has_gaps(one: Map, hulls: Sizes) -> bool | None:
    """Return whether what is seen of a map has gaps on any line along an axis."""
    from archscope.dependence.answer.phases import has_gaps

    if one.reached == prod(hulls):
        return False
    if one.mask.size > MOST_CELLS:
        return None
    return has_gaps(one.mask > 0)


def _marginal(line: Any) -> metrics.Paths:
    """Return the paths from all positions with the same place along an axis."""
    held = line.nonzero()[0]
    return metrics.Columns(held, line[held])


def _bits(mask: Any) -> int:
    import numpy as np

    return int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")


def _listed_maps(rows: Sequence[MapRow]) -> tuple[MapRow, ...]:
    """Return the maps, the first alone listed of those seen alike, as before and behind a ReLU."""
    groups = groupby(rows, key=lambda row: replace(row, reads=""))
    return tuple(
        row if number == 0 else replace(row, listed=False)
        for _, alike in groups
        for number, row in enumerate(alike)
    )


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
    seen, roles, least = _seen(layer), found.given.roles, layer.least
    bounded = layer.bounded_by is not None
    whole = layer.total if has_units(layer.total) else found.given.local(layer.value)
    names = ("reached", "coverage", "streams", "jump", "start")
    return Totals(
        output=_name_of(found),
        axes=len(found.given.axes),
        reached_1d=_touched(layer.field),
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
        at_least=not (found.is_whole or grows_with_input(found)) and layer.global_by is None,
        bounded_by=layer.bounded_by,
        is_full=not bounded
        and seen["reached"] == seen["positions"]
        and (least is None or least.share == 1),
        complete=not bounded
        and (least is None or least.is_all)
        and seen["reached"] is not None
        and (found.is_whole or layer.global_by is not None or grows_with_input(found))
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
