"""Rows and totals of an outline: every layer's own numbers, and what its outputs see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.analyses.rf.notes import TAPS_LIMIT
from archscope.analyses.rf.numbers import along, plain, ratio
from archscope.analyses.rf.rows import LayerRow, Totals
from archscope.theory.borders import valid_taps
from archscope.theory.combs import Comb, combs
from archscope.theory.coupling import each_streams
from archscope.theory.coverage import is_full
from archscope.theory.gridding import name_of
from archscope.theory.layers import Stack, sizes
from archscope.theory.outline import Outline
from archscope.theory.support import WORK_LIMIT, find_support
from archscope.theory.window import Window, windows

POSITIONS_LISTED = 2_048
"""Positions of a receptive field up to which each is a row of its own."""
PREFIXES_LIMIT = 1_000
"""Layers up to which a row with holes says how many positions it reaches, beside the last row."""


def layer_rows(outline: Outline, stack: Stack) -> tuple[LayerRow, ...]:
    """Return a row per layer of a single path without up-sampling."""
    reached = _touched(stack)
    streams = each_streams(stack, WORK_LIMIT // max(len(stack), 1))
    seen = zip(windows(stack), reached, streams, strict=True)
    return _rows(
        outline,
        stack,
        [
            {
                **_window(outline, window),
                "reached": None if touched is None else touched**outline.axes,
                "coverage": ratio(touched and touched**outline.axes, window.size**outline.axes),
                "coverage_1d": along(ratio(touched, window.size), outline.axes),
                "streams": along(apart, outline.axes),
                "unknown": ", ".join(_unknown(touched, apart)),
            }
            for window, touched, apart in seen
        ],
    )


def upsampled_rows(
    outline: Outline, seen: Sequence[Window], covered: Sequence[float]
) -> tuple[LayerRow, ...]:
    """Return a row per layer of a path that up-samples, with the least share that is seen."""
    fields = [
        {
            **_window(outline, window),
            "coverage": share**outline.axes,
            "coverage_1d": along(share, outline.axes),
        }
        for window, share in zip(seen, covered, strict=True)
    ]
    return _rows(outline, outline.layers, fields)


def totals(
    outline: Outline,
    output: str,
    window: Window,
    *,
    touched: int | None = None,
    reached: int | None = None,
    **known: Any,
) -> Totals:
    """Return the totals of an outline whose output has this window along each axis.

    `touched` positions are seen along an axis, `reached` over all; other numbers in `known` are
    of one axis where the totals have one for each.
    """
    axes = outline.axes
    seen = {
        "coverage": ratio(reached, window.size**axes),
        "coverage_1d": ratio(touched, window.size),
        "complete": not outline.partial,
        **known,
    }
    for name in ("coverage_1d", "streams", "max_gap", "erf_sd"):
        seen[name] = along(seen.get(name), axes)
    return Totals(
        output=output,
        axes=axes,
        reached=reached,
        reached_1d=along(touched, axes),
        reads_all=outline.reads_all or None,
        ahead=_ahead(outline, window),
        **_window(outline, window),
        **seen,
    )


def _rows(outline: Outline, stack: Stack, seen: Sequence[dict[str, Any]]) -> tuple[LayerRow, ...]:
    """Return a row per layer, with what its outputs see."""
    axes, maps, taps = outline.axes, _maps(outline, stack), _taps(outline, stack)
    return tuple(
        LayerRow(
            layer=name_of(stack, number),
            kind="attention" if outline.windowed else layer.kind,
            axes=axes,
            kernel=(layer.kernel,) * axes,
            dilation=(layer.dilation,) * axes,
            stride=(layer.stride,) * axes,
            padding_before=(layer.padding[0],) * axes,
            padding_after=(layer.padding[1],) * axes,
            effective_kernel=(layer.span + 1,) * axes,
            output_size=along(maps[number], axes),
            valid_taps=None if taps[number] is None else float(taps[number] ** axes),
            **seen[number],
        )
        for number, layer in enumerate(stack)
    )


def _window(outline: Outline, seen: Window) -> dict[str, Any]:
    """Return where one output's window lies, along each axis."""
    return {
        "receptive_field": (seen.size,) * outline.axes,
        "smallest_field": (seen.smallest,) * outline.axes,
        "jump": along(plain(seen.jump), outline.axes),
        "start": along(seen.start, outline.axes),
        "centre": along(plain(seen.centre), outline.axes),
        "positions": seen.size**outline.axes,
    }


def _ahead(outline: Outline, seen: Window) -> int | None:
    """Return how many positions ahead of its own an output of a sequence sees."""
    stacks = [branch.stack for branch in outline.branches] or [outline.layers]
    layers = [layer for stack in stacks for layer in stack]
    keeps_size = all(one.stride == 1 and sum(one.padding) == one.span for one in layers)
    if outline.axes != 1 or not keeps_size or seen.start is None:
        return None
    furthest = max(seen.start + seen.size - 1, 0)
    return furthest if outline.input_size is None else min(furthest, outline.input_size - 1)


def _maps(outline: Outline, stack: Stack) -> Sequence[int | None]:
    """Return the outputs of each layer along an axis."""
    size = outline.input_size
    return (None,) * len(stack) if size is None else sizes(stack, size)[1:]


def _taps(outline: Outline, stack: Stack) -> Sequence[Any]:
    """Return the share of each layer's taps along an axis that read the input."""
    size, taps = outline.input_size, sum(layer.kernel for layer in stack)
    upsamples = any(layer.upsamples for layer in stack)
    if size is None or outline.noun != "position" or taps > TAPS_LIMIT or upsamples:
        return (None,) * len(stack)
    return valid_taps(stack, size)


def _unknown(touched: int | None, streams: int | None) -> Iterator[str]:
    if touched is None:
        yield from ("reached", "coverage", "coverage_1d")
    if streams is None:
        yield "streams"


def _touched(stack: Stack) -> Iterator[int | None]:
    """Yield how many positions each layer's outputs see along one axis, None where out of reach."""
    limit = WORK_LIMIT // min(max(len(stack), 1), PREFIXES_LIMIT)
    teeth = {comb.layer: comb for comb in combs(stack)}
    joined: list[Comb] = []
    reached, full = 1, True
    for index in range(len(stack)):
        comb = teeth.get(index)
        if comb is not None:
            joined.append(comb)
            # A step within what is seen without a hole leaves none; else all is to be looked at.
            full = full and comb.rate <= reached
            reached += comb.span
        is_listed = len(stack) <= PREFIXES_LIMIT or index == len(stack) - 1
        if not full and is_listed:
            full = is_full(joined)
            most = WORK_LIMIT if index == len(stack) - 1 else limit
            support = None if full else find_support(joined, most)
            yield reached if full else None if support is None else support.touched
        else:
            yield reached if full else None
