"""Puts together the sections of the rf analysis for a stack, branches, up-sampling or attention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields as fields_of

from archscope.analyses.rf import notes as _rf_notes
from archscope.analyses.rf.layer_rows import POSITIONS_LISTED, layer_rows
from archscope.analyses.rf.numbers import counted, exact, plain
from archscope.analyses.rf.rows import (
    LAYERS,
    MAPS,
    POSITIONS,
    LayerRow,
    MapRow,
    PositionRow,
    Totals,
)
from archscope.analyses.rf.verdict import verdict
from archscope.errors import UsageError
from archscope.results import Note, Section
from archscope.subject import Sketch, Subject
from archscope.theory.combs import combs, jump, reach
from archscope.theory.gridding import Gridding, Suffix, gridding, suffixes
from archscope.theory.hdc import hdc_distance
from archscope.theory.layers import Stack
from archscope.theory.outline import Outline
from archscope.theory.paths import DIGITS_LIMIT, Paths, path_counts, paths
from archscope.theory.window import window

MAPS_LISTED = 100
"""Maps that are looked at; of a deeper stack only the input and those nearest to the output."""
MAPS_WORK = 100_000
"""Layers behind all those maps together (about a second)."""


def sections(subject: Subject | Sketch, *, verify: bool) -> tuple[Section, ...]:
    """Answer for `subject`; see `archscope.analyses.rf.analysis.run`."""
    outline = subject.outline
    if outline is None:
        raise UsageError(
            f"the receptive field of {subject.name} is not known: it was not built from a family. "
            "Give a family, or its layers as dilations"
        )
    verified = _verify(outline) if verify else ()
    if outline.attention:
        from archscope.analyses.rf import attention as _rf_attention

        return _rf_attention.sections(outline, verified)
    if outline.branches:
        from archscope.analyses.rf import branches as _rf_branches

        return _rf_branches.sections(outline, verified)
    if any(layer.upsamples for layer in outline.layers):
        from archscope.analyses.rf import upsampling

        return upsampling.sections(outline, verified)
    return _stack(outline, verified)


def _verify(outline: Outline) -> tuple[Note, ...]:
    from archscope.analyses.rf.verify import verify

    return verify(outline)


def _stack(outline: Outline, verified: tuple[Note, ...]) -> tuple[Section, ...]:
    stack = outline.layers
    starts = _starts(stack)
    found = suffixes(stack, starts) if stack else (_nothing(),)
    # Half of the work for the whole stack, the other half for all maps within.
    limits = (DIGITS_LIMIT // 2, *[DIGITS_LIMIT // 2 // len(found)] * (len(found) - 1))
    tallies = [
        paths(stack[suffix.start :], limit=limit)
        for suffix, limit in zip(found, limits, strict=True)
    ]
    totals = _totals(outline, found, tallies[0])
    notes = (
        *verdict(outline, found, totals),
        *_rf_notes.unused(outline, found[0].gridding),
        *_rf_notes.borders(outline, stack),
        *_rf_notes.rest(outline, stack),
        *verified,
    )
    rows = layer_rows(outline, stack)
    maps = tuple(_map_row(outline, suffix, row) for suffix, row in zip(found, tallies, strict=True))
    return (
        LAYERS.filled(
            rows,
            totals=totals,
            notes=notes,
        ),
        MAPS.filled(
            maps,
            notes=tuple(_left_out(stack, found, tallies, rows)),
        ),
        POSITIONS.filled(_positions(stack)),
    )


def _starts(stack: Stack) -> tuple[int, ...]:
    if len(stack) <= MAPS_LISTED:
        return tuple(range(len(stack)))
    listed = max(min(MAPS_LISTED, MAPS_WORK // len(stack)), 1)
    return (0, *range(len(stack) - listed + 1, len(stack)))


def _left_out(
    stack: Stack, found: tuple[Suffix, ...], tallies: list[Paths], rows: tuple[LayerRow, ...]
) -> Iterator[Note]:
    """Yield what is unknown in the rows, and why."""
    if len(found) < len(stack):
        text = (
            f"of {len(stack):,} maps the input and the last {len(found) - 1} are looked at for "
            "gridding against a map within"
        )
        yield Note(level="info", text=text)
    wide = sum(row.reached is None for row in rows)
    if wide:
        yield Note(
            level="info",
            text=f"how much {counted(wide, 'layer')} reach{'es' * (wide == 1)} is unknown: the "
            "set of positions is too large to list for each",
        )
    if tallies[0].unknown:
        names = {"largest": "the most paths", "width_95": "the 95% width"}
        what = ", ".join(names.get(name, name) for name in tallies[0].unknown)
        yield Note(level="info", text=f"unknown: {what}; {tallies[0].reason}")


def _nothing() -> Suffix:
    return Suffix(start=0, reads="input", first="input", last="input", gridding=gridding(()))


def _map_row(outline: Outline, suffix: Suffix, tally: Paths) -> MapRow:
    row = suffix.gridding
    dilations = [layer.dilation for layer in outline.layers[suffix.start :] if layer.kernel > 1]
    names = {"touched": "touched, coverage_1d, coverage", "adjacent_jaccard": "adjacent_overlap"}
    unknown = [names.get(name, name) for name in (*row.unknown, *tally.unknown)]
    through = suffix.first if suffix.first == suffix.last else f"{suffix.first}–{suffix.last}"
    return MapRow(
        reads=suffix.reads,
        layers=through,
        axes=outline.axes,
        hull=row.hull,
        touched=row.touched,
        coverage_1d=row.coverage,
        coverage=row.coverage_over(outline.axes),
        streams=row.streams,
        max_gap=row.max_gap,
        solid_core=row.solid_core,
        adjacent_overlap=row.adjacent_jaccard,
        coupling_depth=row.coupling_depth,
        input_use=row.input_use,
        uniformity=tally.uniformity,
        erf_sd=tally.sd,
        width_95=tally.width_95,
        hdc_m2=hdc_distance(dilations),
        unknown=", ".join(unknown),
    )


def _totals(outline: Outline, found: tuple[Suffix, ...], tally: Paths) -> Totals:
    row, seen = found[0].gridding, window(outline.layers)
    within = [s.gridding.streams for s in found[1:] if len(combs(outline.layers[s.start :])) > 1]
    known = [streams for streams in within if streams is not None]
    return Totals(
        receptive_field=row.hull,
        smallest_field=row.hull,
        axes=outline.axes,
        jump=jump(outline.layers),
        start=seen.start,
        centre=plain(seen.centre),
        reached=None if row.touched is None else row.touched**outline.axes,
        positions=row.hull**outline.axes,
        coverage=row.coverage_over(outline.axes),
        reached_1d=row.touched,
        coverage_1d=row.coverage,
        streams=row.streams,
        worst_map_streams=max(known, default=None),
        max_gap=row.max_gap,
        erf_sd=tally.sd,
        paths=exact(tally.total),
        fewest_paths=tally.smallest if row.is_full else 0,
        most_paths=exact(tally.largest),
        reads_all=outline.reads_all or None,
        is_full=row.is_full,
        complete=not outline.partial and row.touched is not None,
        unknown=", ".join(_unknown(row, tally)),
    )


def _unknown(row: Gridding, tally: Paths) -> list[str]:
    names = {"touched": ["reached", "coverage", "reached_1d", "coverage_1d"]}
    names["largest"] = ["most_paths"]
    fields = {field.name for field in fields_of(Totals)}
    every = (name for old in (*row.unknown, *tally.unknown) for name in names.get(old, [old]))
    return [name for name in every if name in fields]


def _positions(stack: Stack) -> tuple[PositionRow, ...]:
    if reach(combs(stack)) > POSITIONS_LISTED:
        return ()
    start = window(stack).start or 0
    counts = path_counts(stack) or ()
    if any(exact(number) is None for number in counts):
        return ()
    return tuple(
        PositionRow(position=start + index, paths=number) for index, number in enumerate(counts)
    )
