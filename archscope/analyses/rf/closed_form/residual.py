"""The answer for blocks with a path around them: that of their layers, or what both see together.

Mostly a path around sees what the layers see too, and only adds ways near the centre. Where it sees
between their taps, all choices of paths are put together, exactly.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.closed_form.branches import (
    Tally,
    positions_of,
    union_map,
    union_totals,
    union_verdict,
)
from archscope.analyses.rf.closed_form.layer_rows import layer_rows
from archscope.analyses.rf.closed_form.notes import borders, everything, rest
from archscope.analyses.rf.closed_form.stack import stack_answer
from archscope.analyses.rf.closed_form.verdict import remedy
from archscope.analyses.rf.numbers import plain
from archscope.analyses.rf.rows import LayerRow
from archscope.results import Note
from archscope.theory.branches import Union
from archscope.theory.gridding import name_of
from archscope.theory.outline import Outline
from archscope.theory.residual import residual_counts, residual_unions, sees_more

OUTPUT = "output"
"""What the sum of the last block and the path around it is called."""
SAME = (
    "residual paths see the same positions, more often near the centre; path counts are those of "
    "the path through all convolutions"
)
MORE = (
    "residual paths reach between the taps of even kernels and are included; a row describes its "
    "layer before the block's input is added"
)
TOO_MANY = (
    "the residual paths around even kernels see positions between their taps, by too many ways to "
    "put together; the table is of the path through all convolutions, and its coverage is a lower "
    "bound"
)


def residual_answer(outline: Outline) -> Answer:
    """Return what the blocks of an outline see."""
    if not sees_more(outline.path, outline.skips):
        return stack_answer(replace(outline, remarks=(*outline.remarks, SAME)))
    found = residual_unions(outline.path, outline.skips)
    if found is None:
        return stack_answer(replace(outline, partial=outline.partial or TOO_MANY))
    each, whole = found
    tally = _tally(outline)
    known = union_totals(outline, whole, tally, OUTPUT)
    through = dict.fromkeys(name_of(outline.layers, at) for at in (0, len(outline.layers) - 1))
    rows = layer_rows(outline, outline.path)
    is_as_wide = whole.along("hull") == rows[-1].receptive_field
    details = tuple(remedy(outline)) if is_as_wide and not known.is_full else ()
    return Answer(
        totals=known,
        layers=tuple(map(_row, rows, each)),
        maps=(union_map(outline, whole, tally, "–".join(through)),),
        positions=positions_of(whole, tally),
        verdict=(
            union_verdict(outline, whole, known, "choice of paths", details),
            *everything(outline),
        ),
        notes=(
            Note(level="info", text=MORE),
            *borders(outline, outline.path),
            *rest(outline, ()),
        ),
    )


def _tally(outline: Outline) -> Tally | None:
    path, skips = outline.path, outline.skips
    alone = residual_counts(path, skips, 0, alone=True)
    marginals = [residual_counts(path, skips, axis, alone=False) for axis in range(outline.axes)]
    if alone is None or None in marginals:
        return None
    known = tuple(marginal for marginal in marginals if marginal is not None)
    return Tally(along_first=dict(alone), marginals=known)


def _row(row: LayerRow, seen: Union) -> LayerRow:
    hull = seen.along("hull")
    return replace(
        row,
        receptive_field=hull,
        smallest_field=hull,
        start=seen.along("start"),
        centre=tuple(plain(axis.start + Fraction(axis.hull - 1, 2)) for axis in seen.axes),
        reached=seen.touched,
        positions=seen.positions,
        coverage=seen.coverage,
        coverage_1d=tuple(axis.touched / axis.hull for axis in seen.axes),
        streams=seen.along("streams"),
        unknown="",
    )
