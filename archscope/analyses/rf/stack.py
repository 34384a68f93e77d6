"""The answer of an outline with a single path: a stack of layers without up-sampling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields as fields_of

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.layer_rows import POSITIONS_LISTED, layer_rows, totals
from archscope.analyses.rf.notes import borders, everything, rest, unused
from archscope.analyses.rf.numbers import along, counted, exact, ratio
from archscope.analyses.rf.rows import LayerRow, MapRow, PositionRow, Totals
from archscope.analyses.rf.verdict import verdict
from archscope.results import Note
from archscope.theory.combs import combs, jump, reach
from archscope.theory.gridding import Gridding, Suffix, gridding, name_of, suffixes, worst_suffix
from archscope.theory.hdc import hdc_distance
from archscope.theory.layers import Stack
from archscope.theory.outline import Outline
from archscope.theory.paths import DIGITS_LIMIT, Paths, path_counts, paths
from archscope.theory.window import window

MAPS_LISTED = 100
"""Maps that are looked at; of a deeper stack only the input and those nearest to the output."""
MAPS_WORK = 100_000
"""Layers behind all those maps together (about a second)."""


def stack_answer(outline: Outline) -> Answer:
    """Return what the layers of an outline see."""
    stack = outline.layers
    starts = _starts(stack)
    found = suffixes(stack, starts) if stack else (_nothing(),)
    # Half of the work for the whole stack, the other half for all maps within.
    limits = (DIGITS_LIMIT // 2, *[DIGITS_LIMIT // 2 // len(found)] * (len(found) - 1))
    tallies = [
        paths(stack[suffix.start :], limit=limit)
        for suffix, limit in zip(found, limits, strict=True)
    ]
    known = _totals(outline, found, tallies[0])
    rows = layer_rows(outline, stack)
    return Answer(
        totals=known,
        layers=rows,
        maps=tuple(
            _map_row(outline, one, tally) for one, tally in zip(found, tallies, strict=True)
        ),
        positions=_positions(stack),
        verdict=(*verdict(outline, found, known), *everything(outline)),
        notes=(
            *unused(outline, found[0].gridding),
            *borders(outline, stack),
            *rest(outline, stack),
            *_left_out(stack, found, tallies, rows),
        ),
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
    row, axes = suffix.gridding, outline.axes
    behind = outline.layers[suffix.start :]
    reached, positions = row.touched and row.touched**axes, row.hull**axes
    names = {"touched": "touched, coverage_1d, coverage, reached"}
    unknown = [names.get(name, name) for name in (*row.unknown, *tally.unknown)]
    return MapRow(
        reads=suffix.reads,
        through=suffix.first if suffix.first == suffix.last else f"{suffix.first}–{suffix.last}",
        layers=_looking(behind),
        axes=axes,
        hull=(row.hull,) * axes,
        touched=along(row.touched, axes),
        coverage_1d=along(row.coverage, axes),
        coverage=ratio(reached, positions),
        reached=reached,
        positions=positions,
        jump=(jump(behind),) * axes,
        streams=along(row.streams, axes),
        max_gap=along(row.max_gap, axes),
        solid_core=along(row.solid_core, axes),
        adjacent_overlap=along(row.adjacent_overlap, axes),
        coupling_depth=row.coupling_depth,
        input_use=along(row.input_use, axes),
        uniformity=along(tally.uniformity, axes),
        erf_sd=along(tally.sd, axes),
        width_95=along(tally.width_95, axes),
        hdc_m2=hdc_distance([layer.dilation for layer in behind if layer.kernel > 1]),
        unknown=", ".join(unknown),
    )


def _looking(stack: Stack) -> int:
    """Return how many layers look at other positions than their own, or step over some."""
    return sum(layer.kernel > 1 or layer.stride > 1 for layer in stack)


def _totals(outline: Outline, found: tuple[Suffix, ...], tally: Paths) -> Totals:
    row, stack = found[0].gridding, outline.layers
    within = [s.gridding.streams for s in found[1:] if _looking(stack[s.start :]) > 1]
    worst = worst_suffix(found[1:], stack)
    return totals(
        outline,
        name_of(stack, len(stack) - 1),
        window(stack),
        touched=row.touched,
        reached=row.touched and row.touched**outline.axes,
        streams=row.streams,
        max_gap=row.max_gap,
        erf_sd=tally.sd,
        paths=exact(tally.total),
        fewest_paths=tally.smallest if row.is_full else 0,
        most_paths=exact(tally.largest),
        worst_map=worst and worst.reads,
        worst_map_coverage=worst and worst.gridding.coverage_over(outline.axes),
        worst_map_streams=max((one for one in within if one is not None), default=None),
        is_full=row.is_full,
        complete=not outline.partial and row.touched is not None,
        unknown=", ".join(_unknown(row, tally)),
    )


def _unknown(row: Gridding, tally: Paths) -> list[str]:
    names = {
        "touched": ["reached", "coverage", "reached_1d", "coverage_1d"],
        "largest": ["most_paths"],
    }
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
