"""The answer for parallel paths: each branch, all of them together, and what they miss together."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import Any

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.layer_rows import POSITIONS_LISTED, layer_rows, totals
from archscope.analyses.rf.notes import borders, everything, rest
from archscope.analyses.rf.numbers import along, counted, exact, extent, missing, plain
from archscope.analyses.rf.rows import BranchRow, MapRow, PositionRow, Totals
from archscope.records import frozen
from archscope.results import Note
from archscope.specs import listed
from archscope.theory import metrics
from archscope.theory.branches import Union, union
from archscope.theory.combs import combs
from archscope.theory.gridding import gridding
from archscope.theory.layers import Stack, conv
from archscope.theory.outline import Branch, Outline
from archscope.theory.paths import path_counts
from archscope.theory.window import Window, window

TOGETHER = "together"
"""Name of the row for all branches."""
FRONT_LIMIT = 2_048
"""Positions along an axis up to which it is found what layers in front must see."""
POSITIONS_LIMIT = 1 << 16
"""Positions along an axis up to which paths are counted."""


@frozen
class _Tally:
    """Paths from each position of output 0's window, by position."""

    along_one: Counter[int]
    """Along one axis by itself: of the same network in one dimension."""
    marginal: metrics.Paths
    """Over all axes, those from all positions with the same place along one axis."""


def branches_answer(outline: Outline) -> Answer:
    """Return what the branches of an outline see, each and together."""
    found = union(_paths([branch.stack for branch in outline.branches], outline.axes))
    tally = _tally(outline, found)
    each = tuple(_branch_row(outline, branch) for branch in outline.branches)
    notes = [
        note
        for branch in outline.branches
        for note in borders(outline, branch.stack, f"{branch.name}: ")
    ]
    return Answer(
        totals=_totals(outline, found, tally),
        layers=tuple(
            row for branch in outline.branches for row in layer_rows(outline, branch.stack)
        ),
        maps=(_map_row(outline, found, tally),),
        branches=(*each, _together(outline, found)),
        positions=_positions(found, tally),
        verdict=(_verdict(outline, found), *_apart(found), *everything(outline)),
        notes=(*notes, *rest(outline, ())),
    )


def _paths(stacks: Sequence[Stack], axes: int) -> list[tuple[Stack, ...]]:
    return [(stack,) * axes for stack in stacks]


def _tally(outline: Outline, found: Union) -> _Tally | None:
    """Return the number of paths from each position; None where they are too many."""
    if found.axes[0].hull > POSITIONS_LIMIT:
        return None
    together: Counter[int] = Counter()
    marginal: Counter[int] = Counter()
    for branch in outline.branches:
        counts = path_counts(branch.stack)
        if counts is None:
            return None
        start = window(branch.stack).start or 0
        others = prod(comb.taps for comb in combs(branch.stack)) ** (outline.axes - 1)
        for position, number in enumerate(counts, start):
            if number:
                together[position] += number
                marginal[position] += number * others
    return _Tally(along_one=together, marginal=sorted(marginal.items()))


def _branch_row(outline: Outline, branch: Branch) -> BranchRow:
    row = gridding(branch.stack)
    return _row(
        outline,
        window(branch.stack),
        branch=branch.name,
        layers=len(branch.stack),
        dilations=listed([layer.dilation for layer in branch.stack]),
        streams=along(row.streams, outline.axes),
        reached=None if row.touched is None else row.touched**outline.axes,
        coverage=row.coverage_over(outline.axes),
        unknown=", ".join(row.unknown),
    )


def _together(outline: Outline, found: Union) -> BranchRow:
    return _row(
        outline,
        _window(found),
        branch=TOGETHER,
        layers=sum(len(branch.stack) for branch in outline.branches),
        streams=(found.axes[0].streams,) * outline.axes,
        reached=found.touched,
        coverage=found.coverage,
    )


def _row(outline: Outline, seen: Window, **known: Any) -> BranchRow:
    axes = outline.axes
    return BranchRow(
        axes=axes,
        receptive_field=(seen.size,) * axes,
        jump=(int(seen.jump),) * axes,
        centre=(plain(seen.centre),) * axes,
        positions=seen.size**axes,
        **known,
    )


def _window(found: Union) -> Window:
    axis = found.axes[0]
    return Window(
        size=axis.hull,
        smallest=axis.hull,
        jump=Fraction(axis.jump),
        centre=axis.start + Fraction(axis.hull - 1, 2),
        start=axis.start,
    )


def _totals(outline: Outline, found: Union, tally: _Tally | None) -> Totals:
    axis = found.axes[0]
    known: dict[str, Any] = {"unknown": "erf_sd, paths, fewest_paths, most_paths"}
    if tally is not None:
        counts = tally.along_one.values()
        known = {
            "erf_sd": metrics.standard_deviation(tally.marginal),
            "paths": exact(sum(counts)),
            "fewest_paths": min(counts),
            "most_paths": exact(max(counts)),
        }
    if axis.touched < axis.hull:
        known["fewest_paths"] = 0
    return totals(
        outline,
        TOGETHER,
        _window(found),
        touched=axis.touched,
        reached=found.touched,
        streams=axis.streams,
        max_gap=axis.max_gap,
        is_full=found.touched == found.positions,
        **known,
    )


def _map_row(outline: Outline, found: Union, tally: _Tally | None) -> MapRow:
    axis, axes = found.axes[0], outline.axes
    paths = () if tally is None else tally.marginal
    layers = [layer for branch in outline.branches for layer in branch.stack]
    return MapRow(
        reads="input",
        through=f"{outline.branches[0].name}–{outline.branches[-1].name}",
        layers=sum(layer.kernel > 1 or layer.stride > 1 for layer in layers),
        axes=axes,
        hull=(axis.hull,) * axes,
        touched=(axis.touched,) * axes,
        coverage_1d=(axis.touched / axis.hull,) * axes,
        coverage=found.coverage,
        reached=found.touched,
        positions=found.positions,
        jump=(axis.jump,) * axes,
        streams=(axis.streams,) * axes,
        max_gap=(axis.max_gap,) * axes,
        solid_core=(axis.solid_core,) * axes,
        adjacent_overlap=(axis.adjacent_overlap,) * axes,
        input_use=(axis.input_use,) * axes,
        uniformity=along(metrics.uniformity(paths, axis.hull) if paths else None, axes),
        erf_sd=along(metrics.standard_deviation(paths) if paths else None, axes),
        width_95=along(metrics.held_width(paths) if paths else None, axes),
        unknown="coupling_depth" + ("" if tally else ", uniformity, erf_sd, width_95"),
    )


def _positions(found: Union, tally: _Tally | None) -> tuple[PositionRow, ...]:
    axis = found.axes[0]
    if tally is None or axis.hull > POSITIONS_LISTED:
        return ()
    seen = range(axis.start, axis.start + axis.hull)
    return tuple(PositionRow(position=at, paths=tally.along_one[at]) for at in seen)


def _apart(found: Union) -> tuple[Note, ...]:
    if len(set(found.centres)) == 1:
        return ()
    centres = ", ".join(f"{float(centre):g}" for centre in found.centres)
    text = f"the branches' windows are centred apart, at {centres}: their outputs do not align"
    return (Note(level="warning", text=text),)


def _verdict(outline: Outline, found: Union) -> Note:
    axis = found.axes[0]
    window = extent((axis.hull,) * outline.axes, outline.noun)
    if found.touched == found.positions:
        text = (
            f"No gridding: all {counted(found.positions, outline.noun)} of the {window} receptive "
            "field reach the output through some branch."
        )
        return Note(level="ok", text=text)
    missed = missing(found.touched, found.positions, window)
    reached = [(gridding(b.stack).touched or 0) ** outline.axes for b in outline.branches]
    each = " + ".join(f"{number:,}" for number in reached)
    cause = f"Cause: the branches see {each} positions, {found.touched:,} different ones together."
    details = (cause, *_front(outline, axis.hull))
    return Note(
        level="warning", text=f"{missed} reach the output through no branch.", details=details
    )


def _front(outline: Outline, hull: int) -> list[str]:
    """Return what layers in front must see for the branches to see all."""
    if hull > FRONT_LIMIT:
        return []

    def is_filled(size: int) -> bool:
        front = (conv(size),)
        found = union(_paths([front + b.stack for b in outline.branches], outline.axes))
        return found.touched == found.positions

    # A larger solid block in front never opens a hole.
    size = 2 + bisect_left(range(2, hull + 1), True, key=is_filled)
    window = "×".join([f"{size:,}"] * outline.axes)
    return [
        f"Layers in front of the branches that see {window} positions without a hole fill them all."
    ]
