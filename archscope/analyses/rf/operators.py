"""Sections for any module: what its outputs see, found in the operators that it runs."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, prod
from typing import TYPE_CHECKING, Any

from archscope.analyses.rf import operators_notes
from archscope.analyses.rf.numbers import plain
from archscope.analyses.rf.operators_rows import (
    MODULES,
    UNIT,
    WITHIN,
    GraphTotals,
    ModuleRow,
    UnitRow,
    WithinRow,
)
from archscope.errors import ForwardError, UsageError
from archscope.results import Note, Section
from archscope.subject import Subject

if TYPE_CHECKING:
    from torch import nn

    from archscope.dependence.answer.fields import Field
    from archscope.dependence.answer.maps import Map
    from archscope.dependence.answer.receptive import Layer, Receptive


def sections(
    subject: Subject,
    *,
    output: str | None = None,
    unit: Sequence[int] | None = None,
    studied: str | None = None,
    axes: tuple[int, ...] | None = None,
    verify: bool = False,
    erf: int = 0,
    images: Any = None,
) -> tuple[Section, ...]:
    """Return modules, within and unit, and erf where images are asked for.

    Raises `ForwardError`, with the sections up to the failure, where the forward fails.
    """
    from archscope.dependence.answer.receptive import receptive

    if subject.inputs is None:
        raise UsageError(
            f"the receptive field of {subject.name} is not known: give what its forward is called "
            "with"
        )
    model = _whole(subject)
    found = receptive(model, subject.inputs, output=output, unit=unit, studied=studied, axes=axes)
    proof = None
    notes: tuple[Note, ...] = ()
    if verify:
        from archscope.analyses.rf.operators_verify import proof_of

        proof, notes = proof_of(model, subject.inputs, found, lambda: _whole(subject, data=True))
    made = _sections(found, proof, notes)
    failure = found.given.graph.failure
    if (erf or images is not None) and failure is None:
        from archscope.analyses.rf.erf import erf_sections

        own = unit is not None
        made = (*made, *erf_sections(model, subject.inputs, found, erf, images, own_unit=own))
    if failure is not None:
        where = found.given.graph.nodes[-1].module if found.given.graph.nodes else None
        reason = str(failure).strip().splitlines() or [type(failure).__name__]
        raise ForwardError(
            f"the forward failed after {where or 'its first operators'}: {reason[0]}",
            module=where,
            sections=made,
        ) from failure
    return made


def _whole(subject: Subject, *, data: bool = False) -> nn.Module:
    """Return the model with each of its blocks; a family's subject may hold one for several.

    With `data` it is built anew with weights and buffers; one of the user's own is as it is.
    """
    if subject.whole is None or not (subject.repeats or data):
        return subject.model
    import torch

    with torch.device("cpu" if data else "meta"):
        return subject.whole()


def _sections(found: Receptive, proof: str | None, more: tuple[Note, ...]) -> tuple[Section, ...]:
    rows = tuple(_row(layer) for layer in _once(found.layers))
    maps = tuple(_within(one) for one in found.maps if one.is_passage)
    totals = _totals(found, maps, proof)
    device = "meta" if found.given.graph.executed == "shapes" else "cpu"
    notes = (*operators_notes.notes(found, totals, maps), *more)
    return (
        MODULES.filled(
            rows,
            totals=totals,
            notes=notes,
            device=device,
        ),
        WITHIN.filled(maps),
        UNIT.filled(_unit(found)),
    )


def _once(layers: Sequence[Layer]) -> list[Layer]:
    """Return layers, the model itself last and under the name of no module."""
    return [layer for layer in layers if layer.call.path]


def _row(layer: Layer) -> ModuleRow:
    numbers = _numbers(layer)
    return ModuleRow(
        module=layer.name,
        type=layer.call.kind,
        output_size=_units(layer.total) or _units(layer.field),
        global_by=layer.global_by or "",
        bounded_by=layer.bounded_by or "",
        looks=layer.looks,
        at_least=not layer.field.is_whole,
        coverage_1d=_along(layer.field),
        unknown="" if layer.touched is not None else "reached, coverage",
        **numbers,
    )


def _numbers(layer: Layer) -> dict[str, Any]:
    """Return the fields that a row and the totals share."""
    total, field = layer.total, layer.field
    window = tuple(line.hulls[1] for line in field.lines)
    is_global = layer.global_by is not None
    whole = tuple(line.hulls[1] for line in total.lines)
    least = tuple(line.hulls[0] for line in (total if is_global else field).lines)
    jumps, starts = [line.jump for line in field.lines], [line.start for line in field.lines]
    streams = [line.streams for line in field.lines]
    positions = prod(window)
    return {
        "receptive_field": whole if is_global else window,
        "smallest_field": least,
        "local_field": window if is_global and _is_local(layer) else None,
        "jump": None if None in jumps else tuple(plain(jump) for jump in jumps if jump is not None),
        "start": None if None in starts else tuple(start for start in starts if start is not None),
        "reached": layer.touched,
        "positions": positions,
        "coverage": None if layer.touched is None or not positions else layer.touched / positions,
        "streams": None if None in streams else tuple(one for one in streams if one is not None),
    }


def _is_local(layer: Layer) -> bool:
    return layer.field.terms is not layer.total.terms and any(
        pattern.units for pattern in layer.field.patterns
    )


def _units(field: Field) -> tuple[int, ...] | None:
    axes = [field.map_axis(axis) for axis in range(len(field.sizes))]
    return tuple(field.value.shape[a] for a in axes if a is not None) if None not in axes else None


def _along(field: Field) -> tuple[float, ...] | None:
    unit = field.typical
    found = []
    for axis, line in enumerate(field.lines):
        seen = field.row(axis, unit).sets[0]
        if not seen:
            return None
        found.append(seen.bit_count() / max(line.hulls[1], 1))
    return tuple(found)


def _within(one: Map) -> WithinRow:
    import numpy as np

    from archscope.dependence.sets import lines

    mask = one.mask > 0
    axes = range(mask.ndim)
    seen = [_bits(mask.any(tuple(a for a in axes if a != axis))) for axis in axes]
    hulls = tuple(lines.hull(each) for each in seen)
    jumps = [int(j) if j is not None and j.denominator == 1 and j > 0 else None for j in one.jump]
    known = [jump for jump in jumps if jump is not None]
    regular = len(known) == len(jumps)
    share = one.mask[mask] / one.mask[mask].sum()
    share = share[share > 0]  # of a thousand layers some are too small for a float64
    marginal = one.mask.sum(tuple(range(1, mask.ndim)))
    marginal = marginal / marginal.sum()
    places = np.arange(len(marginal))
    mean = float((places * marginal).sum())
    reached, positions = int(mask.sum()), prod(hulls)
    return WithinRow(
        reads=one.name,
        layers=one.layers,
        hull=hulls,
        reached=reached,
        positions=positions,
        coverage=reached / positions,
        coverage_1d=tuple(s.bit_count() / h for s, h in zip(seen, hulls, strict=True)),
        jump=None if None in one.jump else tuple(plain(j) for j in one.jump if j is not None),
        streams=tuple(map(lines.streams, seen, known)) if regular else None,
        max_gap=tuple(map(lines.longest_gap, seen)),
        solid_core=tuple(map(lines.solid_core, seen)),
        adjacent_overlap=lines.overlap(seen[0], known[0]) if regular else None,
        input_use=prod(map(lines.input_use, seen, known)) if regular else None,
        uniformity=exp(-float((share * np.log(share)).sum())) / positions,
        erf_sd=float(((places - mean) ** 2 * marginal).sum()) ** 0.5,
        width_95=_width(marginal, mean),
        clipped=one.clipped,
        unknown="" if regular else "streams, adjacent_overlap, input_use",
    )


def _width(marginal: Any, mean: float, share: float = 0.95) -> int:
    """Return the positions of the smallest window around the middle of mass that holds a share."""
    middle = round(mean)
    for reach in range(len(marginal)):
        low, high = max(middle - reach, 0), middle + reach + 1
        if float(marginal[low:high].sum()) >= share - 1e-12:
            return 2 * reach + 1
    return len(marginal)


def _bits(mask: Any) -> int:
    import numpy as np

    return int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")


def _totals(found: Receptive, maps: Sequence[WithinRow], proof: str | None) -> GraphTotals:
    layer = found.target
    numbers = _numbers(layer)
    worst = operators_notes.worst(maps)
    streams = [max(row.streams) for row in maps if row.streams and max(row.hull) > 1]
    ahead = operators_notes.ahead(found)
    flagged = operators_notes.flagged(found)
    unknown = [
        name
        for name in ("reached", "coverage", "streams", "jump", "start")
        if numbers[name] is None
    ]
    return GraphTotals(
        output=found.target.name,
        axes=len(found.given.axes),
        worst_map=None if worst is None else worst.reads,
        worst_map_coverage=None if worst is None else worst.coverage,
        worst_map_streams=max(streams, default=None),
        global_by=layer.global_by,
        reads_all=found.output_is_all,
        ahead=None if ahead is None else ahead.ahead,
        operators_unknown=sum(1 for node, _ in flagged),
        is_full=layer.touched is not None and layer.touched == numbers["positions"],
        complete=layer.bounded_by is None and layer.touched is not None,
        proof=proof,
        unknown=", ".join(unknown),
        **numbers,
    )


def _unit(found: Receptive) -> tuple[UnitRow, ...]:
    from archscope.dependence.sets import lines

    field = found.target.field
    rows = []
    for axis in range(len(field.sizes)):
        line = field.row(axis, found.unit)
        seen = line.sets[0]
        if not seen:
            continue
        own = field.map_axis(axis)
        rows.append(
            UnitRow(
                axis=found.given.axes[axis],
                unit=None if own is None else found.unit[own],
                input_size=field.sizes[axis],
                first=lines.first(seen),
                last=seen.bit_length() - 1,
                window=lines.hull(seen),
                reached=seen.bit_count(),
                clipped=line.clipped[0],
            )
        )
    return tuple(rows)
