"""A row for each layer of a single path: its own numbers, and what its outputs see of the input."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.analyses.rf.notes import TAPS_LIMIT
from archscope.analyses.rf.numbers import plain
from archscope.analyses.rf.rows import LayerRow
from archscope.theory.borders import valid_taps
from archscope.theory.combs import Comb, combs
from archscope.theory.coverage import is_full
from archscope.theory.layers import Stack, sizes
from archscope.theory.outline import Outline
from archscope.theory.support import WORK_LIMIT, find_support
from archscope.theory.window import windows

POSITIONS_LISTED = 2_048
"""Positions of a receptive field up to which each is a row of its own."""
PREFIXES_LIMIT = 1_000
"""Layers up to which a row with holes says how many positions it reaches, beside the last row."""


def layer_rows(outline: Outline, stack: Stack) -> tuple[LayerRow, ...]:
    """Return a row per layer of a single path without up-sampling."""
    maps = (None,) * len(stack)
    shares = [None] * len(stack)
    if outline.input_size is not None:
        maps = sizes(stack, outline.input_size)[1:]  # type: ignore[assignment]
        if outline.noun == "position" and sum(layer.kernel for layer in stack) <= TAPS_LIMIT:
            taps = valid_taps(stack, outline.input_size)
            shares = [float(share**outline.axes) for share in taps]  # type: ignore[misc]
    rows = []
    for number, (layer, seen, touched) in enumerate(
        zip(stack, windows(stack), _touched(stack), strict=True), start=1
    ):
        rows.append(
            LayerRow(
                layer=layer.name or f"layer {number}",
                kind="attention" if outline.windowed else layer.kind,
                axes=outline.axes,
                kernel=layer.kernel,
                dilation=layer.dilation,
                stride=layer.stride,
                padding_before=layer.padding[0],
                padding_after=layer.padding[1],
                effective_kernel=layer.span + 1,
                receptive_field=seen.size,
                smallest_field=seen.smallest,
                jump=plain(seen.jump),
                start=seen.start,
                centre=plain(seen.centre),
                reached=None if touched is None else touched**outline.axes,
                positions=seen.size**outline.axes,
                coverage=None if touched is None else (touched / seen.size) ** outline.axes,
                output_size=maps[number - 1],
                valid_taps=shares[number - 1],
                unknown="" if touched is not None else "reached, coverage",
            )
        )
    return tuple(rows)


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
