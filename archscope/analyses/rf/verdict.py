"""The verdict in words: what is missed, why, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from archscope.analyses.rf.numbers import apart, counted, extent, missing, ordinal, share, within
from archscope.analyses.rf.rows import Totals
from archscope.results import Note
from archscope.specs import listed
from archscope.theory.combs import combs, reach
from archscope.theory.gridding import Gridding, Suffix, name_of, stages, worst_suffix
from archscope.theory.layers import Stack
from archscope.theory.outline import Outline

DILATIONS_SHOWN = 16
"""Layers up to which their dilations are written out in a sentence."""
DILATIONS_TYPED = 200
"""Layers up to which their dilations are written out to be typed."""
_LINES = {1: "position", 2: "row and column", 3: "position along each axis"}


def verdict(outline: Outline, found: Sequence[Suffix], totals: Totals) -> tuple[Note, ...]:
    """Return whether the outputs of a single path see their whole window, and what to do if not."""
    row = found[0].gridding
    if not row.is_full:
        return (_gridding(outline, row, totals),)
    inside = _within(outline, found)
    return (_ok(outline, totals), *([inside] if inside else []))


def _ok(outline: Outline, totals: Totals) -> Note:
    window = extent(totals.receptive_field, outline.noun)
    number = counted(totals.positions, outline.noun)
    said = f"all {number}" if totals.positions > 1 else "the one position"
    return Note(
        level="ok",
        text=f"No gridding: {said} of the {window} receptive field reach"
        f"{'es' * (totals.positions == 1)} the output.",
    )


def _gridding(outline: Outline, row: Gridding, totals: Totals) -> Note:
    window = extent((row.hull,) * outline.axes, outline.noun)
    if totals.reached is None:
        text = f"Gridding: the {window} receptive field has holes; how many is out of reach."
    else:
        missed = missing(totals.reached, totals.positions, window, outline.noun)
        text = f"{missed} never reach the output."
    each = f" ({row.streams} along each axis)" if outline.axes > 1 else ""
    networks = apart((row.streams or 0) ** outline.axes, each)
    details = (f"Cause: {_cause(outline, row)}", *networks, *_remedy(outline))
    return Note(level="warning", text=text, details=details)


def _cause(outline: Outline, row: Gridding) -> str:
    assert row.cause is not None
    common, stack = row.cause.common_rate, outline.layers
    lines = _LINES[outline.axes] if outline.noun == "position" else outline.noun
    if common > 1:
        dilations = [layer.dilation for layer in stack if layer.kernel > 1]
        if dilations == [common]:
            what = f"the dilation is {common}"
        elif all(dilation % common == 0 for dilation in dilations):
            what = f"every dilation is a multiple of {common}"
        elif len(dilations) == 1:
            what = f"taps lie {common} input positions apart (dilation × jump)"
        else:
            what = f"every step (dilation × jump) is a multiple of {common} input positions"
        return f"{what}, so only every {ordinal(common)} {lines} is sampled."
    layer = stack[row.cause.layer]
    jump = row.cause.rate // layer.dilation
    through = f" (dilation {layer.dilation} × jump {jump})" if jump > 1 else ""
    return (
        f"{name_of(stack, row.cause.layer)} steps {row.cause.rate:,} {outline.noun}s from tap to "
        f"tap{through}, but all finer layers together see only {row.cause.reach:,} in a row."
    )


def _remedy(outline: Outline) -> list[str]:
    from archscope.theory.replacement import find_replacement

    found = find_replacement(outline.layers)
    axes, noun = outline.axes, outline.noun
    if found.dilations is not None:
        window = extent((reach(combs(outline.layers)),) * axes, noun)
        same = f"same {window} receptive field, same parameters, 100% coverage."
        return [f"{_written(outline, found.dilations)}: {same}"]
    none = f"No other dilations fill it: {found.reason}."
    if found.offer is None or found.offer_hull is None:
        return [none]
    window = extent((found.offer_hull,) * axes, noun)
    other = f"{window} receptive field, same parameters, 100% coverage."
    return [none, f"{_written(outline, found.offer)}: {other}"]


def _written(outline: Outline, dilations: tuple[int, ...]) -> str:
    """Return dilations as they are typed; in words where they are too many to type."""
    chosen = [dilations[index] for index in outline.flagged or range(len(dilations))]
    if len(chosen) > DILATIONS_TYPED:
        runs = ((rate, len(list(run))) for rate, run in groupby(chosen))
        words = (f"{rate} ({counted(layers, 'layer')})" for rate, layers in runs)
        return f"Without holes: dilations {', '.join(words)}"
    return (
        f"{f'Try {outline.flag}' if outline.flag else 'Without holes: dilations'} {listed(chosen)}"
    )


def _within(outline: Outline, found: Sequence[Suffix]) -> Note | None:
    """Return a note where the input is seen fully, but a map within is not.

    A bare stack with rising dilations is always so, and what stands in front fills the holes: that
    is information. In a network of stages, or behind a stride, the front is another part of the
    network, often pretrained, and the stage by itself is several networks (ResNet-50 at output
    stride 8, DRN): that is a warning.
    """
    worst = worst_suffix(found, outline.layers)
    if worst is None:
        return None
    row, axes = worst.gridding, outline.axes
    coverage, window = row.coverage_over(axes), extent((row.hull,) * axes)
    seen = f"{worst.first} to {worst.last} see only "
    if row.touched is not None and coverage is not None:
        seen += f"{share(row.touched**axes, row.hull**axes)} of their {window} window"
    else:
        seen += f"a part of their {window} window"
    if row.streams is not None and row.streams > 1:
        seen += f", as {row.streams**axes:,} interleaved networks"
    if is_staged(outline.layers):
        details = ("Let dilations fall again at the end (e.g. 4,2,1), or begin the stage with 1.",)
        return Note(level="warning", text=within(worst.reads, seen), details=details)
    text = f"Of the map that {worst.reads} makes, {seen}; the layers before fill the holes. "
    return Note(level="info", text=text + _falling(outline.layers))


def _falling(stack: Stack) -> str:
    # Behind a layer then come the finer ones alone, which see all of their window (`coverage`).
    dilations = sorted((layer.dilation for layer in stack), reverse=True)
    order = listed(dilations) if len(dilations) <= DILATIONS_SHOWN else "of falling dilations"
    return f"The same layers in the order {order} leave none there either."


def is_staged(stack: Stack) -> bool:
    """Return whether a stack has parts: a stride between layers, or stages by their names."""
    return any(layer.stride > 1 for layer in stack) or 1 < len(stages(stack)) < len(stack)
