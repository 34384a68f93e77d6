"""Sections for attention without a window: every position sees all, or all before it."""

from __future__ import annotations

from archscope.analyses.rf import notes as _rf_notes
from archscope.analyses.rf.numbers import counted
from archscope.analyses.rf.rows import LAYERS, LayerRow, Totals
from archscope.results import Note, Section
from archscope.theory.outline import Outline


def sections(outline: Outline, verified: tuple[Note, ...]) -> tuple[Section, ...]:
    """Return layers: a row per block of attention."""
    size = outline.input_size or 1
    rows = tuple(
        LayerRow(
            layer=block.name,
            kind="attention",
            axes=outline.axes,
            kernel=None,
            dilation=1,
            stride=1,
            padding_before=0,
            padding_after=0,
            effective_kernel=None,
            receptive_field=size,
            smallest_field=size,
            jump=1,
            start=0,
            centre=None,
            reached=size,
            positions=size,
            coverage=1.0,
            output_size=size,
            valid_taps=None,
            unknown="",
        )
        for block in outline.attention
    )
    totals = Totals(
        receptive_field=size,
        smallest_field=rows[0].smallest_field,
        axes=outline.axes,
        jump=1,
        start=0,
        centre=None,
        reached=size,
        positions=size,
        coverage=1.0,
        reached_1d=size,
        coverage_1d=1.0,
        streams=1,
        worst_map_streams=None,
        max_gap=0,
        erf_sd=None,
        paths=None,
        fewest_paths=None,
        most_paths=None,
        reads_all=outline.attention[0].name,
        is_full=True,
        complete=True,
        unknown="",
    )
    notes = (_verdict(outline), *_rf_notes.rest(outline, ()), *verified)
    return (LAYERS.filled(rows, totals=totals, notes=notes),)


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
