"""Rows and totals of an outline: every layer's own numbers, and what its outputs see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from archscope.analyses.rf.closed_form.notes import TAPS_LIMIT
from archscope.analyses.rf.numbers import plain, ratio, together
from archscope.analyses.rf.rows import LayerRow
from archscope.analyses.rf.totals import Totals
from archscope.theory.borders import count_blind, valid_taps
from archscope.theory.combs import Comb, combs
from archscope.theory.coupling import each_streams
from archscope.theory.coverage import is_full
from archscope.theory.gridding import name_of
from archscope.theory.layers import Path, Stack, sizes
from archscope.theory.outline import Outline
from archscope.theory.product import each
from archscope.theory.support import WORK_LIMIT, find_support
from archscope.theory.window import Window, windows

Windows = tuple[Window, ...]
"""Where an output's window lies along each axis."""
POSITIONS_LISTED = 2_048
"""Positions of a receptive field up to which each is a row of its own."""
PREFIXES_LIMIT = 1_000
"""Layers up to which a row with holes says how many positions it reaches, beside the last row."""


def layer_rows(outline: Outline, path: Path) -> tuple[LayerRow, ...]:
    """Return a row per layer of a single path without up-sampling."""
    seen = each(windows, path)
    touched = each(lambda stack: tuple(_touched(stack)), path)
    limit = WORK_LIMIT // max(len(path[0]), 1)
    streams = each(lambda stack: tuple(each_streams(stack, limit)), path)
    return _rows(
        outline,
        path,
        [
            _seen(tuple(window), together(reached), together(apart))
            for window, reached, apart in zip(
                zip(*seen, strict=True),
                zip(*touched, strict=True),
                zip(*streams, strict=True),
                strict=True,
            )
        ],
    )


def _seen(
    window: Windows, touched: tuple[int, ...] | None, streams: tuple[int, ...] | None
) -> dict[str, Any]:
    """Return what the outputs of one layer see."""
    found = _window(window)
    reached = None if touched is None else prod(touched)
    return {
        **found,
        "reached": reached,
        "coverage": ratio(reached, found["positions"]),
        "coverage_1d": _shares(touched, window),
        "streams": streams,
        "unknown": ", ".join(_unknown(touched, streams)),
    }


def _shares(touched: tuple[int, ...] | None, window: Windows) -> tuple[float, ...] | None:
    if touched is None:
        return None
    return tuple(number / axis.size for number, axis in zip(touched, window, strict=True))


def upsampled_rows(
    outline: Outline, seen: Sequence[Windows], covered: Sequence[tuple[float, ...]]
) -> tuple[LayerRow, ...]:
    """Return a row per layer of a path that up-samples, with the least share that is seen."""
    fields = [
        {**_window(window), "coverage": prod(shares), "coverage_1d": shares}
        for window, shares in zip(seen, covered, strict=True)
    ]
    return _rows(outline, outline.path, fields)


def totals(
    outline: Outline,
    output: str,
    window: Windows,
    *,
    touched: tuple[int, ...] | None = None,
    reached: int | None = None,
    **known: Any,
) -> Totals:
    """Return the totals of an outline whose output has this window along each axis.

    `touched` positions are seen along each axis, `reached` over all.
    """
    found = _window(window)
    unseeing = _blind(outline)
    seen = {
        "coverage": ratio(reached, found["positions"]),
        "coverage_1d": _shares(touched, window),
        "complete": not outline.partial,
        **known,
    }
    return Totals(
        output=output,
        axes=outline.axes,
        reached=reached,
        reached_1d=touched,
        **unseeing,
        reads_all=outline.reads_all or None,
        ahead=_ahead(outline, window[0]),
        **found,
        **seen,
    )


def _blind(outline: Outline) -> dict[str, Any]:
    """Return how many outputs see no position of the input, and how many there are."""
    if outline.sizes is None:
        return {}
    found = count_blind((*outline.paths, *outline.around), outline.sizes)
    if found.blind and (outline.partial or outline.skips):
        return {"outputs": found.outputs}
    return {"blind": found.blind, "blind_inside": found.inside, "outputs": found.outputs}


def _rows(outline: Outline, path: Path, seen: Sequence[dict[str, Any]]) -> tuple[LayerRow, ...]:
    """Return a row per layer, with what its outputs see."""
    maps, taps = _maps(outline, path), _taps(outline, path)
    rows = (
        LayerRow(
            layer=name_of(path[0], number),
            kind="attention" if outline.windowed else layer[0].kind,
            axes=len(path),
            kernel=tuple(one.kernel for one in layer),
            dilation=tuple(one.dilation for one in layer),
            stride=tuple(one.stride for one in layer),
            padding_before=tuple(one.padding[0] for one in layer),
            padding_after=tuple(one.padding[1] for one in layer),
            effective_kernel=tuple(one.span + 1 for one in layer),
            output_size=maps[number],
            valid_taps=taps[number],
            **seen[number],
        )
        for number, layer in enumerate(zip(*path, strict=True))
    )
    looks = [
        any(one.kernel > 1 or one.stride > 1 for one in layer) for layer in zip(*path, strict=True)
    ]
    return tuple(
        row if looks_around or not any(looks) else replace(row, listed=False)
        for row, looks_around in zip(rows, looks, strict=True)
    )


def _window(seen: Windows) -> dict[str, Any]:
    """Return where one output's window lies, along each axis."""
    return {
        "receptive_field": tuple(axis.size for axis in seen),
        "smallest_field": tuple(axis.smallest for axis in seen),
        "jump": tuple(plain(axis.jump) for axis in seen),
        "start": together(axis.start for axis in seen),
        "centre": tuple(plain(axis.centre) for axis in seen),
        "positions": prod(axis.size for axis in seen),
    }


def _ahead(outline: Outline, seen: Window) -> int | None:
    """Return how many positions ahead of its own an output of a sequence sees."""
    layers = [layer for path in outline.paths for layer in path[0]]
    keeps_size = all(one.stride == 1 and sum(one.padding) == one.span for one in layers)
    if outline.axes != 1 or outline.unordered or not keeps_size or seen.start is None:
        return None
    furthest = max(seen.start + seen.size - 1, 0)
    return furthest if outline.input_size is None else min(furthest, outline.input_size - 1)


def _maps(outline: Outline, path: Path) -> Sequence[tuple[int, ...] | None]:
    """Return the outputs of each layer along each axis."""
    if outline.sizes is None:
        return (None,) * len(path[0])
    return tuple(zip(*each(sizes, path, outline.sizes), strict=True))[1:]


def _taps(outline: Outline, path: Path) -> Sequence[float | None]:
    """Return the share of each layer's taps, over all axes, that read the input."""
    taps = max(sum(layer.kernel for layer in stack) for stack in path)
    upsamples = any(layer.upsamples for stack in path for layer in stack)
    if outline.sizes is None or outline.noun != "position" or taps > TAPS_LIMIT or upsamples:
        return (None,) * len(path[0])
    return [
        float(prod(shares)) for shares in zip(*each(valid_taps, path, outline.sizes), strict=True)
    ]


def _unknown(touched: tuple[int, ...] | None, streams: tuple[int, ...] | None) -> Iterator[str]:
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
