"""The answer of an outline with a single path: a stack of layers without up-sampling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields as fields_of

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.closed_form.layer_rows import POSITIONS_LISTED, layer_rows, totals
from archscope.analyses.rf.closed_form.notes import borders, everything, rest, unused
from archscope.analyses.rf.closed_form.verdict import verdict
from archscope.analyses.rf.numbers import counted, exact, ratio, together
from archscope.analyses.rf.rows import LayerRow, MapRow, PositionRow
from archscope.analyses.rf.totals import Totals
from archscope.results import Note
from archscope.theory.combs import combs, jump, reach
from archscope.theory.gridding import name_of
from archscope.theory.hdc import hdc_distance
from archscope.theory.layers import Path, Stack
from archscope.theory.outline import Outline
from archscope.theory.paths import DIGITS_LIMIT, Paths, path_counts, paths
from archscope.theory.product import View, each, views, worst_view
from archscope.theory.window import window

MAPS_LISTED = 100
"""Maps that are looked at; of a deeper stack only the input and those nearest to the output."""
MAPS_WORK = 100_000
"""Layers behind all those maps together (about a second)."""


def stack_answer(outline: Outline) -> Answer:
    """Return what the layers of an outline see."""
    path = outline.path
    found = views(path, _starts(outline.layers))
    # Half of the work for the whole stack, the other half for all maps within.
    limits = (DIGITS_LIMIT // 2, *[DIGITS_LIMIT // 2 // len(found)] * (len(found) - 1))
    tallies = [_tally(path, view, limit) for view, limit in zip(found, limits, strict=True)]
    known = _totals(outline, found, tallies[0])
    rows = layer_rows(outline, path)
    return Answer(
        totals=known,
        layers=rows,
        maps=tuple(_map_row(path, one, tally) for one, tally in zip(found, tallies, strict=True)),
        positions=_positions(outline.layers),
        verdict=(*verdict(outline, found, known), *everything(outline)),
        notes=(
            *unused(found[0]),
            *borders(outline, path),
            *rest(outline, path),
            *_left_out(outline.layers, found, tallies[0], rows),
        ),
    )


_Tally = tuple[Paths, ...]
"""The numbers of paths along each axis."""


def _tally(path: Path, view: View, limit: int) -> _Tally:
    return each(lambda stack: paths(stack[view.start :], limit=limit), path)


def _starts(stack: Stack) -> tuple[int, ...]:
    if len(stack) <= MAPS_LISTED:
        return tuple(range(len(stack)))
    listed = max(min(MAPS_LISTED, MAPS_WORK // len(stack)), 1)
    return (0, *range(len(stack) - listed + 1, len(stack)))


def _left_out(
    stack: Stack, found: Sequence[View], tally: _Tally, rows: tuple[LayerRow, ...]
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
            text=f"how much {counted(wide, 'layer')} reach{'es' * (wide == 1)} is unknown: the set "
            "of positions is too large to list",
        )
    out_of_reach = next((axis for axis in tally if axis.unknown), None)
    if out_of_reach is not None:
        names = {"largest": "the most paths", "width_95": "the 95% width"}
        what = ", ".join(names.get(name, name) for name in out_of_reach.unknown)
        yield Note(level="info", text=f"unknown: {what}; {out_of_reach.reason}")


def _map_row(path: Path, view: View, tally: _Tally) -> MapRow:
    behind = tuple(stack[view.start :] for stack in path)
    names = {"touched": "touched, coverage_1d, coverage, reached"}
    counted_out = dict.fromkeys(name for axis in tally for name in axis.unknown)
    unknown = [names.get(name, name) for name in (*view.unknown, *counted_out)]
    return MapRow(
        reads=view.reads,
        through=view.first if view.first == view.last else f"{view.first}–{view.last}",
        layers=_looking(behind),
        axes=len(path),
        hull=view.hull,
        touched=view.along("touched"),
        coverage_1d=view.along("coverage"),
        coverage=ratio(view.reached, view.positions),
        reached=view.reached,
        positions=view.positions,
        jump=tuple(map(jump, behind)),
        streams=view.along("streams"),
        max_gap=view.along("max_gap"),
        solid_core=view.along("solid_core"),
        adjacent_overlap=view.along("adjacent_overlap"),
        coupling_depth=view.coupling_depth,
        input_use=view.along("input_use"),
        uniformity=together(axis.uniformity for axis in tally),
        erf_sd=tuple(axis.sd for axis in tally),
        width_95=together(axis.width_95 for axis in tally),
        hdc_m2=_hdc(behind),
        unknown=", ".join(unknown),
    )


def _hdc(path: Path) -> int | None:
    """Return the paper's metric where it has one value, the same along each axis."""
    found = each(
        lambda stack: hdc_distance([layer.dilation for layer in stack if layer.kernel > 1]), path
    )
    return found[0] if len(set(found)) == 1 else None


def _looking(path: Path) -> int:
    """Return how many layers look at other positions than their own, or step over some."""
    layers = zip(*path, strict=True)
    return sum(any(one.kernel > 1 or one.stride > 1 for one in layer) for layer in layers)


def _totals(outline: Outline, found: Sequence[View], tally: _Tally) -> Totals:
    whole, path = found[0], outline.path
    within = [
        max(streams)
        for view in found[1:]
        if _looking(tuple(stack[view.start :] for stack in path)) > 1
        and (streams := view.along("streams")) is not None
    ]
    worst = worst_view(found[1:], path)
    return totals(
        outline,
        name_of(outline.layers, len(outline.layers) - 1),
        each(window, path),
        touched=whole.along("touched"),
        reached=whole.reached,
        streams=whole.along("streams"),
        max_gap=whole.along("max_gap"),
        erf_sd=tuple(axis.sd for axis in tally),
        paths=exact(tally[0].total),
        fewest_paths=tally[0].smallest if whole.axes[0].is_full else 0,
        most_paths=exact(tally[0].largest),
        worst_map=worst and worst.reads,
        worst_map_coverage=worst and worst.coverage,
        worst_map_streams=max(within, default=None),
        is_full=whole.is_full,
        complete=not outline.partial and whole.reached is not None,
        unknown=", ".join(_unknown(whole, tally)),
    )


def _unknown(whole: View, tally: _Tally) -> list[str]:
    names = {
        "touched": ["reached", "coverage", "reached_1d", "coverage_1d"],
        "largest": ["most_paths"],
    }
    fields = {field.name for field in fields_of(Totals)}
    every = (name for old in (*whole.unknown, *tally[0].unknown) for name in names.get(old, [old]))
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
