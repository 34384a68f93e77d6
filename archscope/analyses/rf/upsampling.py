"""The answer for a path that up-samples: outputs see windows of different sizes, a range of them.

Every output of one period is walked back; `coverage` is that of the output that sees least of its
own window.
"""

from __future__ import annotations

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.layer_rows import totals, upsampled_rows
from archscope.analyses.rf.notes import everything, rest
from archscope.analyses.rf.numbers import counted, share
from archscope.analyses.rf.rows import PositionRow
from archscope.errors import UsageError
from archscope.results import Note
from archscope.theory.gridding import name_of
from archscope.theory.layers import Stack
from archscope.theory.outline import Outline
from archscope.theory.units import period, seen_by, unit_ranges
from archscope.theory.window import Window, windows

SEEN_LIMIT = 1 << 22
"""Positions, over all outputs of a period, up to which the outputs are walked back."""


def upsampling_answer(outline: Outline) -> Answer:
    """Return what the layers of an outline see; positions are those of output 0."""
    stack, seen = outline.layers, windows(outline.layers)
    covered = [_covered(stack[:depth], seen[depth - 1]) for depth in range(1, len(stack) + 1)]
    counts = seen_by(stack, 0)
    return Answer(
        totals=totals(
            outline,
            name_of(stack, len(stack) - 1),
            seen[-1],
            coverage=covered[-1] ** outline.axes,
            coverage_1d=covered[-1],
            most_paths=max(counts.values(), default=0),
            is_full=covered[-1] == 1 and seen[-1].smallest > 0,
        ),
        layers=upsampled_rows(outline, seen, covered),
        positions=tuple(
            PositionRow(position=position, paths=counts.get(position, 0))
            for position in range(min(counts, default=0), max(counts, default=-1) + 1)
        ),
        verdict=(_verdict(outline, covered[-1]), *everything(outline)),
        notes=tuple(rest(outline, stack)),
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
