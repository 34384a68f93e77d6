"""The answer for a path that up-samples: outputs see windows of different sizes, a range of them.

Every output of one period is walked back; `coverage` is that of the output that sees least of its
own window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.closed_form.layer_rows import totals, upsampled_rows
from archscope.analyses.rf.closed_form.notes import everything, rest
from archscope.analyses.rf.numbers import by_axis, counted, share
from archscope.analyses.rf.rows import PositionRow
from archscope.analyses.rf.totals import Totals
from archscope.analyses.rf.unseen import good
from archscope.errors import UsageError
from archscope.results import Note
from archscope.theory.gridding import name_of
from archscope.theory.layers import Stack
from archscope.theory.outline import Outline
from archscope.theory.product import each
from archscope.theory.seen_positions import positions_seen
from archscope.theory.units import UnitRanges, period, seen_by, unit_ranges
from archscope.theory.window import Window, windows

SEEN_LIMIT = 1 << 22
"""Positions, over all outputs of a period, up to which the outputs are walked back."""


def upsampling_answer(outline: Outline) -> Answer:
    """Return what the layers of an outline see; positions are those of output 0."""
    path, stack = outline.path, outline.layers
    seen = tuple(zip(*each(windows, path), strict=True))
    covered = tuple(zip(*each(_all_covered, path), strict=True))
    counts = seen_by(stack, 0)
    least = prod(covered[-1])
    known = totals(
        outline,
        name_of(stack, len(stack) - 1),
        seen[-1],
        coverage=least,
        coverage_1d=covered[-1],
        most_paths=max(counts.values(), default=0),
        is_full=least == 1 and all(axis.smallest > 0 for axis in seen[-1]),
    )
    return Answer(
        totals=known,
        layers=upsampled_rows(outline, seen, covered),
        positions=tuple(
            PositionRow(position=position, paths=counts.get(position, 0))
            for position in range(min(counts, default=0), max(counts, default=-1) + 1)
        ),
        verdict=(*_verdict(outline, known), *everything(outline)),
        notes=tuple(rest(outline, path)),
    )


def _all_covered(stack: Stack) -> tuple[float, ...]:
    return tuple(
        _covered(stack[:depth], seen) for depth, seen in enumerate(windows(stack), start=1)
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
        seen_there = positions_seen(stack, unit)
        if (hull := seen_there.hull) is not None:
            shares.append(seen_there.number / (hull[1] - hull[0] + 1))
    return min(shares)


def _verdict(outline: Outline, known: Totals) -> Iterator[Note]:
    along = tuple(by_axis(each(unit_ranges, outline.path)))
    details = tuple(
        f"Checkerboard: outputs have {one.paths[0]:,} to {one.paths[1]:,} paths "
        f"{where.replace('each', 'an')}, by turns of {one.period}."
        for one, where in along
        if one.paths[0] != one.paths[1]
    )
    blind = [(one, where) for one, where in along if one.blind]
    for one, where in blind if known.blind is None else ():
        axis = f" {where}" if outline.axes > 1 else ""
        text = (
            f"{len(one.blind)} of every {counted(one.period, 'output')}{axis} see no input at all."
        )
        yield Note(level="warning", text=text, details=details)
    if blind and known.blind is None:
        return
    window = " and ".join(_windows(one, where) for one, where in along)
    covered = known.coverage or 0.0
    if covered < 1:
        seen = share(round(covered * 10**9), 10**9)
        yield Note(level="warning", text=_holes(outline, window, seen), details=details)
    else:
        yield replace(
            good(known, f"outputs have {window}, and all of each reaches them."), details=details
        )


def _holes(outline: Outline, window: str, seen: str) -> str:
    if outline.partial:
        return (
            f"Through the layers of the table outputs have {window}, and one sees {seen} of its "
            "window; whether other paths fill the holes is unknown."
        )
    return f"Gridding: outputs have {window}; one sees only {seen} of its window."


def _windows(ranges: UnitRanges, where: str) -> str:
    smallest, largest = ranges.hull
    different = "up to " if not smallest else f"{smallest:,} to "
    different = "" if smallest == largest else different
    return f"windows of {different}{counted(largest, 'position')} {where}"
