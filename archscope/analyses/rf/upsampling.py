"""Sections for a path that up-samples: outputs see windows of different sizes, so a range of them.

Every output of one period is walked back; `coverage` is that of the output that sees least of its
own window.
"""

from __future__ import annotations

from archscope.analyses.rf import notes as _rf_notes
from archscope.analyses.rf.numbers import counted, plain, share
from archscope.analyses.rf.rows import LAYERS, POSITIONS, LayerRow, PositionRow, Totals
from archscope.errors import UsageError
from archscope.results import Note, Section
from archscope.theory.layers import Stack, sizes
from archscope.theory.outline import Outline
from archscope.theory.units import period, seen_by, unit_ranges
from archscope.theory.window import Window, windows

SEEN_LIMIT = 1 << 22
"""Positions, over all outputs of a period, up to which the outputs are walked back."""


def sections(outline: Outline, verified: tuple[Note, ...]) -> tuple[Section, ...]:
    """Return layers and, of output 0, positions."""
    stack, seen = outline.layers, windows(outline.layers)
    maps = [None] * len(stack)
    if outline.input_size is not None:
        maps = sizes(stack, outline.input_size)[1:]  # type: ignore[assignment]
    covered = [_covered(stack[:depth], seen[depth - 1]) for depth in range(1, len(stack) + 1)]
    rows = tuple(
        LayerRow(
            layer=layer.name or f"layer {number + 1}",
            kind=layer.kind,
            axes=outline.axes,
            kernel=layer.kernel,
            dilation=layer.dilation,
            stride=layer.stride,
            padding_before=layer.padding[0],
            padding_after=layer.padding[1],
            effective_kernel=layer.span + 1,
            receptive_field=seen[number].size,
            smallest_field=seen[number].smallest,
            jump=plain(seen[number].jump),
            start=seen[number].start,
            centre=plain(seen[number].centre),
            reached=None,
            positions=seen[number].size ** outline.axes,
            coverage=covered[number] ** outline.axes,
            output_size=maps[number],
            valid_taps=None,
            unknown="",
        )
        for number, layer in enumerate(stack)
    )
    last = seen[-1]
    counts = seen_by(stack, 0)
    notes = (_verdict(outline, covered[-1]), *_rf_notes.rest(outline, stack), *verified)
    totals = _totals(outline, last, covered[-1], counts)
    positions = (
        PositionRow(position=position, paths=counts.get(position, 0))
        for position in range(min(counts, default=0), max(counts, default=-1) + 1)
    )
    return (
        LAYERS.filled(rows, totals=totals, notes=notes),
        POSITIONS.filled(tuple(positions)),
    )


def _covered(stack: Stack, seen: Window) -> float:
    repeat = period(stack)
    if repeat * seen.size > SEEN_LIMIT:
        raise UsageError(
            f"windows of {seen.size:,} positions repeat only after {repeat:,} outputs: too many to "
            "walk back."
        )
    shares = [1.0]
    for unit in range(repeat):
        positions = seen_by(stack, unit)
        if positions:
            shares.append(len(positions) / (max(positions) - min(positions) + 1))
    return min(shares)


def _verdict(outline: Outline, covered: float) -> Note:
    ranges = unit_ranges(outline.layers)
    smallest, largest = ranges.hull
    different = "" if smallest == largest else f" of {smallest:,} to"
    window = f"windows{different} {largest:,} positions along each axis"
    details = []
    if ranges.paths[0] != ranges.paths[1]:
        details.append(
            f"Checkerboard: outputs have {ranges.paths[0]:,} to {ranges.paths[1]:,} paths along an "
            f"axis, by turns of {ranges.period}."
        )
    if ranges.blind:
        text = (
            f"{len(ranges.blind)} of every {counted(ranges.period, 'output')} see no input at all."
        )
        return Note(level="warning", text=text, details=tuple(details))
    if covered < 1:
        seen = share(round(covered**outline.axes * 10**9), 10**9)
        text = f"Gridding: outputs have {window}; one sees only {seen} of its window."
        return Note(level="warning", text=text, details=tuple(details))
    text = f"No gridding: outputs have {window}, and all of each reaches them."
    return Note(level="ok", text=text, details=tuple(details))


def _totals(outline: Outline, last: Window, covered: float, counts: dict[int, int]) -> Totals:
    is_full = covered == 1 and last.smallest > 0
    return Totals(
        receptive_field=last.size,
        smallest_field=last.smallest,
        axes=outline.axes,
        jump=plain(last.jump),
        start=last.start,
        centre=plain(last.centre),
        reached=None,
        positions=last.size**outline.axes,
        coverage=covered**outline.axes,
        reached_1d=None,
        coverage_1d=covered,
        streams=None,
        worst_map_streams=None,
        max_gap=None,
        erf_sd=None,
        paths=None,
        fewest_paths=None,
        most_paths=max(counts.values(), default=0),
        reads_all=outline.reads_all or None,
        is_full=is_full,
        complete=not outline.partial,
        unknown="",
    )
