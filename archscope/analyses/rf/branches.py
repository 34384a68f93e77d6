"""Sections for parallel paths: each branch, all of them together, and what they miss together."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from math import exp, log, sqrt

from archscope.analyses.rf import notes as _rf_notes
from archscope.analyses.rf.layer_rows import POSITIONS_LISTED, layer_rows
from archscope.analyses.rf.numbers import counted, exact, extent, plain, share
from archscope.analyses.rf.rows import (
    BRANCHES,
    LAYERS,
    MAPS,
    POSITIONS,
    BranchRow,
    LayerRow,
    MapRow,
    PositionRow,
    Totals,
)
from archscope.results import Note, Section
from archscope.specs import listed
from archscope.theory.branches import AxisUnion, Union, union
from archscope.theory.gridding import gridding
from archscope.theory.layers import Stack, conv
from archscope.theory.outline import Branch, Outline
from archscope.theory.paths import path_counts
from archscope.theory.window import window

TOGETHER = "together"
"""Name of the row for all branches."""
FRONT_LIMIT = 2_048
"""Positions along an axis up to which it is found what layers in front must see."""
POSITIONS_LIMIT = 1 << 16
"""Positions along an axis up to which paths are counted."""


def sections(outline: Outline, verified: tuple[Note, ...]) -> tuple[Section, ...]:
    """Return branches, layers, maps and positions of `outline.branches`."""
    found = union(_paths([branch.stack for branch in outline.branches], outline.axes))
    counts = _counts(outline, found)
    totals = _totals(outline, found, counts)
    rows = (*(_branch_row(outline, b) for b in outline.branches), _together(outline, found))
    return (
        BRANCHES.filled(
            rows,
            totals=totals,
            notes=(*_notes(outline, found), *verified),
        ),
        LAYERS.filled(_layer_rows(outline)),
        MAPS.filled((_map_row(outline, found, counts),)),
        POSITIONS.filled(_positions(found, counts)),
    )


def _paths(stacks: Sequence[Stack], axes: int) -> list[tuple[Stack, ...]]:
    return [(stack,) * axes for stack in stacks]


def _counts(outline: Outline, found: Union) -> Counter[int] | None:
    """Return the number of paths from each position of output 0's window along one axis."""
    if found.axes[0].hull > POSITIONS_LIMIT:
        return None
    together: Counter[int] = Counter()
    for branch in outline.branches:
        counts = path_counts(branch.stack)
        if counts is None:
            return None
        start = window(branch.stack).start or 0
        for index, number in enumerate(counts):
            if number:
                together[start + index] += number
    return together


def _branch_row(outline: Outline, branch: Branch) -> BranchRow:
    row, seen = gridding(branch.stack), window(branch.stack)
    reached = None if row.touched is None else row.touched**outline.axes
    return BranchRow(
        branch=branch.name,
        layers=len(branch.stack),
        dilations=listed([layer.dilation for layer in branch.stack]),
        axes=outline.axes,
        receptive_field=row.hull,
        jump=int(seen.jump),
        centre=plain(seen.centre),
        streams=row.streams,
        reached=reached,
        positions=row.hull**outline.axes,
        coverage=row.coverage_over(outline.axes),
        unknown=", ".join(row.unknown),
    )


def _together(outline: Outline, found: Union) -> BranchRow:
    axis = found.axes[0]
    return BranchRow(
        branch=TOGETHER,
        layers=sum(len(branch.stack) for branch in outline.branches),
        dilations="",
        axes=outline.axes,
        receptive_field=axis.hull,
        jump=axis.jump,
        centre=_centre(found),
        streams=axis.streams,
        reached=found.touched,
        positions=found.positions,
        coverage=found.coverage,
        unknown="",
    )


def _centre(found: Union) -> float:
    doubled = 2 * found.axes[0].start + found.axes[0].hull - 1
    return doubled // 2 if doubled % 2 == 0 else doubled / 2


def _layer_rows(outline: Outline) -> tuple[LayerRow, ...]:
    return tuple(row for branch in outline.branches for row in layer_rows(outline, branch.stack))


def _totals(outline: Outline, found: Union, counts: Counter[int] | None) -> Totals:
    axis = found.axes[0]
    is_full = found.touched == found.positions
    return Totals(
        receptive_field=axis.hull,
        smallest_field=axis.hull,
        axes=outline.axes,
        jump=axis.jump,
        start=axis.start,
        centre=_centre(found),
        reached=found.touched,
        positions=found.positions,
        coverage=found.coverage,
        reached_1d=axis.touched,
        coverage_1d=axis.touched / axis.hull,
        streams=axis.streams,
        worst_map_streams=None,
        max_gap=axis.max_gap,
        erf_sd=None if counts is None else _sd(counts),
        paths=None if counts is None else sum(counts.values()),
        fewest_paths=_fewest(axis, counts),
        most_paths=None if counts is None else exact(max(counts.values())),
        reads_all=outline.reads_all or None,
        is_full=is_full,
        complete=not outline.partial,
        unknown="" if counts is not None else "erf_sd, fewest_paths, most_paths",
    )


def _fewest(axis: AxisUnion, counts: Counter[int] | None) -> int | None:
    if axis.touched < axis.hull:
        return 0
    return None if counts is None else min(counts.values())


def _map_row(outline: Outline, found: Union, counts: Counter[int] | None) -> MapRow:
    axis = found.axes[0]
    seen = set(counts or ())
    shifted = {position + axis.jump for position in seen}
    return MapRow(
        reads="input",
        layers=f"{outline.branches[0].name}–{outline.branches[-1].name}",
        axes=outline.axes,
        hull=axis.hull,
        touched=axis.touched,
        coverage_1d=axis.touched / axis.hull,
        coverage=found.coverage,
        streams=axis.streams,
        max_gap=axis.max_gap,
        solid_core=None,
        adjacent_overlap=len(seen & shifted) / len(seen | shifted) if seen else None,
        coupling_depth=None,
        input_use=len({position % axis.jump for position in seen}) / axis.jump if seen else None,
        uniformity=_uniformity(counts, axis.hull) if counts else None,
        erf_sd=_sd(counts) if counts else None,
        width_95=None,
        hdc_m2=None,
        unknown="solid_core, coupling_depth, width_95"
        + ("" if counts else ", adjacent_overlap, input_use, uniformity, erf_sd"),
    )


def _sd(counts: Counter[int]) -> float:
    total = sum(counts.values())
    mean = sum(position * number for position, number in counts.items()) / total
    return sqrt(sum((position - mean) ** 2 * number for position, number in counts.items()) / total)


def _uniformity(counts: Counter[int], hull: int) -> float:
    total = sum(counts.values())
    return exp(-sum(number / total * log(number / total) for number in counts.values())) / hull


def _positions(found: Union, counts: Counter[int] | None) -> tuple[PositionRow, ...]:
    axis = found.axes[0]
    if counts is None or axis.hull > POSITIONS_LISTED:
        return ()
    window = range(axis.start, axis.start + axis.hull)
    return tuple(PositionRow(position=position, paths=counts[position]) for position in window)


def _notes(outline: Outline, found: Union) -> tuple[Note, ...]:
    notes = [_verdict(outline, found)]
    if not found.alignment.is_aligned:
        centres = ", ".join(f"{float(centre):g}" for centre in found.alignment.centres)
        text = f"the branches' windows are centred apart, at {centres}: their outputs do not align"
        notes.append(Note(level="warning", text=text))
    for branch in outline.branches:
        notes += _rf_notes.borders(outline, branch.stack, f"{branch.name}: ")
    return (*notes, *_rf_notes.rest(outline, ()))


def _verdict(outline: Outline, found: Union) -> Note:
    axis = found.axes[0]
    window = extent(axis.hull, outline.axes, outline.noun)
    if found.touched == found.positions:
        text = (
            f"No gridding: all {counted(found.positions, outline.noun)} of the {window} receptive "
            "field reach the output through some branch."
        )
        return Note(level="ok", text=text)
    missed = found.positions - found.touched
    text = (
        f"Gridding: {missed:,} of {found.positions:,} positions ({share(missed, found.positions)}) "
        f"of the {window} receptive field reach the output through no branch."
    )
    reached = [(gridding(b.stack).touched or 0) ** outline.axes for b in outline.branches]
    each = " + ".join(f"{number:,}" for number in reached)
    cause = f"Cause: the branches see {each} positions, {found.touched:,} different ones together."
    return Note(level="warning", text=text, details=(cause, *_front(outline, axis.hull)))


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
