"""The answer for attention without a window: every position sees all, or all before it."""

from __future__ import annotations

from math import prod
from typing import Any

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.closed_form.notes import everything, rest
from archscope.analyses.rf.numbers import counted
from archscope.analyses.rf.rows import LayerRow
from archscope.analyses.rf.totals import Totals
from archscope.results import Note
from archscope.theory.outline import Outline


def attention_answer(outline: Outline) -> Answer:
    """Return what blocks of attention see: a row per block."""
    size, axes, first = outline.input_size or 1, outline.axes, outline.attention[0]
    sizes = (size,) * axes
    rows = tuple(attention_row(block.name, sizes, outputs=sizes) for block in outline.attention)
    totals = Totals(
        output=outline.attention[-1].name,
        reached_1d=sizes,
        max_gap=(0,) * axes,
        global_by=first.name,
        reads_all=first.name,
        ahead=(0 if all(block.causal for block in outline.attention) else size - 1)
        if axes == 1
        else None,
        is_full=True,
        complete=True,
        **_everything(sizes),
    )
    notes = tuple(rest(outline, ()))
    verdict = (_verdict(outline), *everything(outline))
    return Answer(totals=totals, layers=rows, verdict=verdict, notes=notes)


def attention_row(name: str, sizes: tuple[int, ...], *, outputs: tuple[int, ...]) -> LayerRow:
    """Return what a module sees that attends to all of an input of `sizes`."""
    ones, zeros = (1,) * len(sizes), (0,) * len(sizes)
    return LayerRow(
        layer=name,
        kind="attention",
        kernel=(),
        dilation=ones,
        stride=ones,
        padding_before=zeros,
        padding_after=zeros,
        effective_kernel=(),
        output_size=outputs,
        **_everything(sizes),
    )


def _everything(sizes: tuple[int, ...]) -> dict[str, Any]:
    """Return the fields that rows and totals share."""
    ones = (1,) * len(sizes)
    return {
        "axes": len(sizes),
        "receptive_field": sizes,
        "smallest_field": sizes,
        "jump": ones,
        "start": (0,) * len(sizes),
        "reached": prod(sizes),
        "positions": prod(sizes),
        "coverage": 1.0,
        "coverage_1d": (1.0,) * len(sizes),
        "streams": ones,
    }


def _verdict(outline: Outline) -> Note:
    first, size = outline.attention[0], outline.input_size or 1
    if first.causal:
        text = (
            "No gridding: every token sees itself and all tokens before it, from the first block "
            f"on; the last sees all {size:,}."
        )
    else:
        text = (
            f"No gridding: every token sees all {counted(size, 'token')}, from the first block on."
        )
    return Note(level="ok", text=text)
