"""The verdict in words: what is missed, why, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import prod

from archscope.analyses.rf.numbers import (
    EACH,
    apart,
    by_axis,
    counted,
    extent,
    missing,
    ordinal,
    share,
    within,
)
from archscope.analyses.rf.totals import Totals
from archscope.analyses.rf.unseen import good
from archscope.results import Note
from archscope.specs import listed
from archscope.theory.combs import combs, reach
from archscope.theory.coverage import Cause
from archscope.theory.gridding import name_of, stages
from archscope.theory.layers import Path, Stack
from archscope.theory.outline import Outline
from archscope.theory.product import View, each, worst_view

DILATIONS_SHOWN = 16
"""Layers up to which their dilations are written out in a sentence."""
DILATIONS_TYPED = 200
"""Layers up to which their dilations are written out to be typed."""
_LINES = {1: "position", 2: "row and column", 3: "position along each axis"}


def verdict(outline: Outline, found: Sequence[View], totals: Totals) -> tuple[Note, ...]:
    """Return whether the outputs of a single path see their whole window, and what to do if not."""
    if not found[0].is_full:
        return (_gridding(outline, found[0], totals),)
    inside = _within(outline, found)
    return (good(totals, _all(outline, totals)), *([inside] if inside else []))


def _all(outline: Outline, totals: Totals) -> str:
    window = extent(totals.receptive_field, outline.noun)
    number = counted(totals.positions, outline.noun)
    said = f"all {number}" if totals.positions > 1 else "the one position"
    return (
        f"{said} of the {window} receptive field reach{'es' * (totals.positions == 1)} the output."
    )


def _gridding(outline: Outline, whole: View, totals: Totals) -> Note:
    window = extent(whole.hull, outline.noun)
    if totals.reached is None:
        text = f"Gridding: the {window} receptive field has holes, too many positions to count."
    else:
        missed = missing(totals.reached, totals.positions, window, outline.noun)
        text = f"{missed} never reach the output."
    details = (*_causes(outline, whole), *_networks(whole), *remedy(outline))
    return Note(level="warning", text=text, details=details)


def _networks(whole: View) -> tuple[str, ...]:
    streams = whole.along("streams")
    if streams is None:
        return ()
    each = " and ".join(f"{number:,} {where}" for number, where in by_axis(streams))
    return apart(prod(streams), f" ({each})" if len(streams) > 1 else "")


def _causes(outline: Outline, whole: View) -> Iterator[str]:
    """Yield the layers to blame, on every axis that has holes."""
    along = by_axis(tuple(zip(outline.path, whole.axes, strict=True)))
    for (stack, row), where in along:
        if row.cause is not None:
            if where == EACH:
                lines = _LINES[outline.axes] if outline.noun == "position" else outline.noun
                yield f"Cause: {_cause(stack, row.cause, outline.noun, lines)}"
            else:
                lines = f"position {where}"
                cause = _cause(stack, row.cause, outline.noun, lines)
                yield f"Cause {where}: {cause}"


def _cause(stack: Stack, cause: Cause, noun: str, lines: str) -> str:
    common = cause.common_rate
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
    layer = stack[cause.layer]
    jump = cause.rate // layer.dilation
    through = f" (dilation {layer.dilation} × jump {jump})" if jump > 1 else ""
    return (
        f"{name_of(stack, cause.layer)} steps {cause.rate:,} {noun}s from tap to "
        f"tap{through}, but all finer layers together see only {cause.reach:,} in a row."
    )


def remedy(outline: Outline) -> Iterator[str]:
    """Yield which dilations leave no hole, and why not others."""
    from archscope.theory.replacement import find_replacement

    found = each(lambda stack: find_replacement(stack, outline.tied), outline.path)
    chosen = [one.dilations or one.offer for one in found]
    for one, where in by_axis(found):
        if one.dilations is None:
            axis = "" if where == EACH else f" {where}"
            yield f"No other dilations fill it{axis}: {one.reason}."
    if None in chosen:
        return
    hulls = [
        reach(combs(stack)) if one.offer_hull is None else one.offer_hull
        for one, stack in zip(found, outline.path, strict=True)
    ]
    same = "same " if all(one.offer_hull is None for one in found) else ""
    window = extent(hulls, outline.noun)
    dilations = [rates for rates in chosen if rates is not None]
    yield (
        f"{_written(outline, dilations)}: {same}{window} receptive field, same parameters, "
        "100% coverage."
    )


def _written(outline: Outline, along: Sequence[tuple[int, ...]]) -> str:
    """Return dilations as they are typed; in words where they are too many to type."""
    layers = [rates if len(set(rates)) > 1 else rates[0] for rates in zip(*along, strict=True)]
    chosen = [layers[index] for index in outline.flagged or range(len(layers))]
    if len(chosen) > DILATIONS_TYPED:
        runs = ((rate, len(list(run))) for rate, run in groupby(chosen))
        words = (f"{listed([rate])} ({counted(layers, 'layer')})" for rate, layers in runs)
        return f"Without holes: dilations {', '.join(words)}"
    return (
        f"{f'Try {outline.flag}' if outline.flag else 'Without holes: dilations'} {listed(chosen)}"
    )


def _within(outline: Outline, found: Sequence[View]) -> Note | None:
    """Return a note where the input is seen fully, but a map within is not.

    A stack with rising dilations is always so, and what stands in front fills the holes: where that
    is dense from the map on which it begins, it is healthy, and this is information. A stage that
    by itself, from the map that it reads, is several networks (ResNet-50 at output stride 8, DRN)
    has its holes filled by another part of the network, often pretrained: that is a warning.
    """
    parts = parts_of(outline.path)
    staged = [view for view in found if view.start in parts]
    worst = worst_view(staged, outline.path)
    if worst is not None:
        details = (
            "Let the dilations decrease at the end (e.g. 4,2,1), or start the stage with 1.",
        )
        text = within(worst.reads, _seen_within(worst))
        return Note(level="warning", text=text, details=details)
    worst = worst_view(found, outline.path)
    if worst is None:
        return None
    seen = _seen_within(worst)
    text = f"In the output of {worst.reads}, {seen}; earlier layers fill the holes."
    return Note(level="info", text=" ".join((text, *_falling(outline.path))))


def _seen_within(worst: View) -> str:
    window = extent(worst.hull)
    seen = f"{worst.first} to {worst.last} see only "
    if worst.reached is not None:
        seen += f"{share(worst.reached, worst.positions)} of their {window} window"
    else:
        seen += f"a part of their {window} window"
    if worst.networks is not None and worst.networks > 1:
        seen += f", as {worst.networks:,} interleaved networks"
    return seen


def _falling(path: Path) -> Iterator[str]:
    # Behind a layer then come the finer ones alone, which see all of their window (`coverage`).
    if any(layer.stride > 1 for stack in path for layer in stack):
        return
    # What looks at no neighbour, as a pointwise layer, may stand anywhere and is not named.
    looking = [layer for layer in zip(*path, strict=True) if any(one.kernel > 1 for one in layer)]
    ordered = sorted(looking, key=lambda layer: -layer[0].dilation)
    along = [[layer.dilation for layer in stack] for stack in zip(*ordered, strict=True)]
    if any(rates != sorted(rates, reverse=True) for rates in along):
        return
    dilations = [rates if len(set(rates)) > 1 else rates[0] for rates in zip(*along, strict=True)]
    order = listed(dilations) if len(dilations) <= DILATIONS_SHOWN else "of falling dilations"
    yield f"The same layers in the order {order} leave no holes there either."


def parts_of(path: Path) -> tuple[int, ...]:
    """Return the index of the first layer of each part that stands on its own map.

    A part begins behind a stride, and where the names say that a stage does; in a stack without
    strides that is dense from the input on there are none, since every map within is filled.
    """
    layers = tuple(zip(*path, strict=True))
    strides = [n for n, layer in enumerate(layers, 1) if any(one.stride > 1 for one in layer)]
    named = stages(path[0])
    named = named if 1 < len(named) < len(layers) else ()
    if not strides and all(map(_is_dense, path)):
        return ()
    return tuple(sorted({*strides, *named} - {0, len(layers)}))


def _is_dense(stack: Stack) -> bool:
    """Return whether the outputs of every layer see their whole window."""
    reached = 1
    for comb in combs(stack):
        if comb.rate > reached:
            return False
        reached += comb.span
    return True
