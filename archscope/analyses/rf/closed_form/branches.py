"""The answer for parallel paths: each branch, all of them together, and what they miss together."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from math import prod
from typing import Any

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.closed_form.layer_rows import POSITIONS_LISTED, layer_rows, totals
from archscope.analyses.rf.closed_form.notes import borders, everything, rest
from archscope.analyses.rf.numbers import counted, exact, extent, missing, plain
from archscope.analyses.rf.rows import BranchRow, MapRow, PositionRow
from archscope.analyses.rf.totals import Totals
from archscope.analyses.rf.unseen import good
from archscope.records import frozen
from archscope.results import Note
from archscope.specs import listed
from archscope.theory import metrics
from archscope.theory.branches import Union, union
from archscope.theory.combs import combs
from archscope.theory.layers import Path, conv
from archscope.theory.outline import Branch, Outline
from archscope.theory.paths import path_counts
from archscope.theory.product import each, views
from archscope.theory.window import Window, window

TOGETHER = "together"
"""Name of the row for all branches."""
FRONT_LIMIT = 2_048
"""Positions along an axis up to which it is found what layers in front must see."""
POSITIONS_LIMIT = 1 << 16
"""Positions along an axis up to which paths are counted."""


@frozen
class Tally:
    """Paths from each position of output 0's window, by position."""

    along_first: Mapping[int, int]
    """Along the first axis by itself: of the same network in one dimension."""
    marginals: tuple[metrics.Paths, ...]
    """For each axis, over all axes: those from all positions with the same place along it."""


def branches_answer(outline: Outline) -> Answer:
    """Return what the branches of an outline see, each and together."""
    found = union(outline.paths)
    tally = _tally(outline, found)
    known = union_totals(outline, found, tally, TOGETHER)
    named = tuple(zip(outline.branches, outline.paths, strict=True))
    notes = [note for branch, path in named for note in borders(outline, path, f"{branch.name}: ")]
    return Answer(
        totals=known,
        layers=tuple(row for path in outline.paths for row in layer_rows(outline, path)),
        maps=(union_map(outline, found, tally, _through(outline)),),
        branches=(*(_branch_row(*each) for each in named), _together(outline, found)),
        positions=positions_of(found, tally),
        verdict=(
            _verdict(outline, found, known),
            *_apart(found),
            *everything(outline),
        ),
        notes=(*notes, *rest(outline, ())),
    )


def _tally(outline: Outline, found: Union) -> Tally | None:
    """Return the number of paths from each position; None where they are too many."""
    if max(axis.hull for axis in found.axes) > POSITIONS_LIMIT:
        return None
    marginals: list[Counter[int]] = []
    along_first: Counter[int] = Counter()
    for axis in range(outline.axes):
        marginal: Counter[int] = Counter()
        for path in outline.paths:
            counts = path_counts(path[axis])
            if counts is None:
                return None
            others = prod(
                comb.taps for other in (*path[:axis], *path[axis + 1 :]) for comb in combs(other)
            )
            for position, number in enumerate(counts, window(path[axis]).start or 0):
                if number:
                    marginal[position] += number * others
                    along_first[position] += number if not axis else 0
        marginals.append(marginal)
    return Tally(
        along_first=along_first,
        marginals=tuple(tuple(sorted(marginal.items())) for marginal in marginals),
    )


def _branch_row(branch: Branch, path: Path) -> BranchRow:
    (view,) = views(path, (0,))
    return _row(
        each(window, path),
        branch=branch.name,
        layers=len(branch.stack),
        dilations=_dilations(path),
        streams=view.along("streams"),
        reached=view.reached,
        coverage=view.coverage,
        unknown=", ".join(view.unknown),
    )


def _dilations(path: Path) -> str:
    layers = ([layer.dilation for layer in along] for along in zip(*path, strict=True))
    return listed([rates if len(set(rates)) > 1 else rates[0] for rates in layers])


def _together(outline: Outline, found: Union) -> BranchRow:
    return _row(
        _windows(found),
        branch=TOGETHER,
        layers=sum(len(branch.stack) for branch in outline.branches),
        streams=found.along("streams"),
        reached=found.touched,
        coverage=found.coverage,
    )


def _row(seen: tuple[Window, ...], **known: Any) -> BranchRow:
    return BranchRow(
        axes=len(seen),
        receptive_field=tuple(axis.size for axis in seen),
        jump=tuple(int(axis.jump) for axis in seen),
        centre=tuple(plain(axis.centre) for axis in seen),
        positions=prod(axis.size for axis in seen),
        **known,
    )


def _windows(found: Union) -> tuple[Window, ...]:
    return tuple(
        Window(
            size=axis.hull,
            smallest=axis.hull,
            jump=Fraction(axis.jump),
            centre=axis.start + Fraction(axis.hull - 1, 2),
            start=axis.start,
        )
        for axis in found.axes
    )


def union_totals(outline: Outline, found: Union, tally: Tally | None, output: str) -> Totals:
    """Return the totals of a union of paths."""
    known: dict[str, Any] = {"unknown": "erf_sd, paths, fewest_paths, most_paths"}
    if tally is not None:
        counts = tally.along_first.values()
        known = {
            "erf_sd": tuple(map(metrics.standard_deviation, tally.marginals)),
            "paths": exact(sum(counts)),
            "fewest_paths": min(counts),
            "most_paths": exact(max(counts)),
        }
    if found.axes[0].touched < found.axes[0].hull:
        known["fewest_paths"] = 0
    return totals(
        outline,
        output,
        _windows(found),
        touched=found.along("touched"),
        reached=found.touched,
        streams=found.along("streams"),
        max_gap=found.along("max_gap"),
        is_full=found.touched == found.positions,
        **known,
    )


def _through(outline: Outline) -> str:
    return f"{outline.branches[0].name}–{outline.branches[-1].name}"


def union_map(outline: Outline, found: Union, tally: Tally | None, through: str) -> MapRow:
    """Return how evenly a union of paths sees the input."""
    layers = [layer for path in outline.paths for layer in zip(*path, strict=True)]
    hull = found.along("hull")
    spread: dict[str, Any] = {name: found.along(name) for name in _METRICS}
    if tally is not None:
        spread |= {
            "uniformity": tuple(map(metrics.uniformity, tally.marginals, hull)),
            "erf_sd": tuple(map(metrics.standard_deviation, tally.marginals)),
            "width_95": tuple(map(metrics.held_width, tally.marginals)),
        }
    return MapRow(
        reads="input",
        through=through,
        layers=sum(any(one.kernel > 1 or one.stride > 1 for one in layer) for layer in layers),
        axes=outline.axes,
        hull=hull,
        touched=found.along("touched"),
        coverage_1d=tuple(axis.touched / axis.hull for axis in found.axes),
        coverage=found.coverage,
        reached=found.touched,
        positions=found.positions,
        **spread,
        unknown="coupling_depth" + ("" if tally else ", uniformity, erf_sd, width_95"),
    )


_METRICS = ("jump", "streams", "max_gap", "solid_core", "adjacent_overlap", "input_use")


def positions_of(found: Union, tally: Tally | None) -> tuple[PositionRow, ...]:
    """Return the positions of the window along the first axis."""
    axis = found.axes[0]
    if tally is None or axis.hull > POSITIONS_LISTED:
        return ()
    seen = range(axis.start, axis.start + axis.hull)
    return tuple(PositionRow(position=at, paths=tally.along_first.get(at, 0)) for at in seen)


def _apart(found: Union) -> tuple[Note, ...]:
    if len(set(found.centres)) == 1:
        return ()
    centres = ", ".join(f"{float(centre):g}" for centre in found.centres)
    text = f"the branches' windows are centred apart, at {centres}: their outputs do not align"
    return (Note(level="warning", text=text),)


def _verdict(outline: Outline, found: Union, known: Totals) -> Note:
    if found.touched == found.positions:
        return union_verdict(outline, found, known, "branch")
    reached = [views(path, (0,))[0].reached or 0 for path in outline.paths]
    several = " + ".join(f"{number:,}" for number in reached)
    cause = (
        f"Cause: the branches see {several} positions, {found.touched:,} different ones together."
    )
    return union_verdict(outline, found, known, "branch", (cause, *_front(outline, found)))


def union_verdict(
    outline: Outline, found: Union, known: Totals, way: str, details: tuple[str, ...] = ()
) -> Note:
    """Return whether all of the window is seen through some way, with details where it is not."""
    window = extent(found.along("hull"), outline.noun)
    if found.touched == found.positions:
        every = counted(found.positions, outline.noun)
        return good(
            known,
            f"all {every} of the {window} receptive field reach the output through some {way}.",
        )
    missed = missing(found.touched, found.positions, window, outline.noun)
    return Note(
        level="warning", text=f"{missed} reach the output through no {way}.", details=details
    )


def _front(outline: Outline, found: Union) -> list[str]:
    """Return what layers in front must see for the branches to see all."""
    most = max(axis.hull for axis in found.axes)
    if most > FRONT_LIMIT:
        return []

    def is_filled(size: int) -> bool:
        front = (conv(size),)
        behind = union([tuple(front + stack for stack in path) for path in outline.paths])
        return behind.touched == behind.positions

    # A larger solid block in front never opens a hole.
    size = 2 + bisect_left(range(2, most + 1), True, key=is_filled)
    window = "×".join([f"{size:,}"] * outline.axes)
    return [
        f"Layers in front of the branches that see {window} positions without a hole fill them all."
    ]
