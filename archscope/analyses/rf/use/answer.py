"""Uses of a receptive field, from an outline: delays, tiles, input sizes, buffers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.numbers import plain
from archscope.analyses.rf.use.notes import sentences
from archscope.analyses.rf.use.rows import AxisRow, BufferRow, with_tiles
from archscope.errors import UsageError
from archscope.theory.gridding import name_of
from archscope.theory.input_sizes import InputSizes, TriedEnoughError, input_sizes
from archscope.theory.layers import Stack, sizes
from archscope.theory.outline import Outline
from archscope.theory.output_places import Outlook, clipped, jumps, outlook, stride_period
from archscope.theory.product import each
from archscope.theory.rates import milliseconds
from archscope.theory.streaming import buffers
from archscope.theory.tiling import tiling

LARGEST_STEP = 1 << 20
"""Input positions between outputs up to which sizes are tried."""
MOST_LAYERS = 1 << 14
"""Layers, over all trials, up to which sizes are tried."""


def of_outline(answer: Answer, outline: Outline, rate: Fraction | None) -> Answer:
    """Return the answer of an outline with what is done with it."""
    sizes = outline.sizes or (None,) * outline.axes
    along = each(lambda own, size: _row(outline, list(own), size), outline.ways, sizes)
    totals = answer.totals
    rows = tuple(
        replace(
            row,
            axis=axis,
            receptive_field=totals.receptive_field[axis],
            jump=None if totals.jump is None else totals.jump[axis],
            start=None if totals.start is None else totals.start[axis],
        )
        for axis, row in enumerate(along)
    )
    kept, why = _buffers(outline, rows)
    return in_use(answer, tuple(replace(row, unbuffered=why) for row in rows), kept, rate)


def in_use(
    answer: Answer,
    rows: tuple[AxisRow, ...],
    kept: tuple[BufferRow, ...],
    rate: Fraction | None,
    *,
    named: str = "",
) -> Answer:
    """Return an answer with rows for its axes and buffers, and what these say of all.

    `named` is what is spoken of, where that is not the network's only output.
    """
    rows = tuple(_timed(row, rate) for row in rows)
    names = (
        *("look_back", "look_ahead", "smallest_input", "tile_step", "tile_overlap"),
        *("receptive_field_ms", "look_back_ms", "look_ahead_ms", "jump_ms"),
    )
    known: dict[str, Any] = {name: _along(rows, name) for name in names}
    totals = replace(
        answer.totals,
        sample_rate=None if rate is None else plain(rate),
        buffer_positions=sum(row.positions for row in kept) if kept else None,
        buffer_bytes=_sum([row.bytes for row in kept]) if kept else None,
        **known,
    )
    said = tuple(sentences(rows, kept, named, reads_all=answer.totals.reads_all is not None))
    return replace(answer, totals=totals, axes=rows, buffers=kept, use=said)


def _along(rows: tuple[AxisRow, ...], field: str) -> tuple[Any, ...] | None:
    """Return a number for each axis; None where one is not known."""
    found = tuple(getattr(row, field) for row in rows)
    return None if not found or None in found else found


def _sum(numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _timed(row: AxisRow, rate: Fraction | None) -> AxisRow:
    """Return a row with its times, where a sample rate was given."""
    if rate is None:
        return row
    names = ("receptive_field", "look_back", "look_ahead", "jump")
    known = {name: getattr(row, name) for name in names}
    times: dict[str, Any] = {
        f"{name}_ms": milliseconds(value, rate)
        for name, value in known.items()
        if value is not None
    }
    return replace(row, **times)


def _row(outline: Outline, stacks: list[Stack], size: int | None) -> AxisRow:
    """Return what is known along one axis, of all paths along it and the input's size there."""
    row = AxisRow(axis=0, receptive_field=0, jump=None, start=None)
    if outline.attention:
        causal = all(block.causal for block in outline.attention)
        back = "attention reaches back to the first position of any input"
        every = "attention reaches all positions of any input"
        if causal:
            return replace(row, look_ahead=0, sees_first=True, why=back)
        return replace(row, why=every)
    if outline.partial or outline.unordered:
        return replace(row, why=outline.partial or outline.unordered)
    try:
        seen = _together([outlook(stack) for stack in stacks])
    except UsageError as error:
        return replace(row, why=str(error))
    if seen is None:
        return replace(row, why="the branches have different strides")
    return _cut(row, outline, stacks, seen, size)


def _together(seen: list[Outlook]) -> Outlook | None:
    """Return the windows of all branches together; None where their outputs are not in step."""
    first = seen[0]
    if any((len(o.windows), o.shift) != (len(first.windows), first.shift) for o in seen):
        return None
    joined = []
    for windows in zip(*(o.windows for o in seen), strict=True):
        known = [window for window in windows if window is not None]
        ends = (min(a for a, _ in known), max(b for _, b in known)) if known else None
        joined.append(ends)
    return Outlook(windows=tuple(joined), shift=first.shift)


def _cut(
    row: AxisRow, outline: Outline, stacks: list[Stack], seen: Outlook, size: int | None
) -> AxisRow:
    """Return a row with look-back and look-ahead, tiles, and the sizes that run."""
    step = stride_period([jump for stack in stacks for jump in jumps(stack)])
    row = replace(row, look_back=seen.behind, look_ahead=seen.ahead, tile_step=step)
    if step > LARGEST_STEP:
        return replace(row, why="strides are too long for tiles to be tried")
    upsamples = any(layer.upsamples for stack in stacks for layer in stack)
    rest = (size or 0) % step if upsamples else 0

    def cut_short(size: int) -> tuple[int, int]:
        starts, ends = zip(*(clipped(stack, size) for stack in stacks), strict=True)
        return max(starts), max(ends)

    cut = tiling(seen, step, lambda size: _outputs(stacks, size), rest=rest, clipped=cut_short)
    if cut is not None:
        row = replace(with_tiles(row, cut), table="attention" if outline.windowed else "")
    found = _sizes(outline, stacks, step, seen, size)
    return replace(
        row,
        smallest_input=found.smallest,
        allowed_sizes=found.allowed,
        outputs=found.formula,
        why="" if found.smallest else "paths beside those layers may want other sizes",
    )


def _outputs(stacks: list[Stack], size: int) -> int | None:
    """Return how many outputs so many positions give; None where they do not run."""
    try:
        found = {sizes(stack, size)[-1] for stack in stacks}
    except UsageError:
        return None
    return found.pop() if len(found) == 1 else None


def _sizes(
    outline: Outline, stacks: list[Stack], step: int, seen: Outlook, size: int | None
) -> InputSizes:
    """Return which sizes run; of the paths around up-sampling an outline does not tell."""
    layers = [layer for stack in stacks for layer in stack]
    if any(layer.upsamples for layer in layers) and outline.remarks:
        return InputSizes()
    left = MOST_LAYERS

    def outputs(size: int) -> int | None:
        nonlocal left
        left -= len(layers)
        if left < 0:
            raise TriedEnoughError
        return _outputs(stacks, size)

    spread = seen.behind + seen.ahead + 1
    return input_sizes(outputs, size or step * (2 + spread // step), step)


def _buffers(outline: Outline, rows: tuple[AxisRow, ...]) -> tuple[tuple[BufferRow, ...], str]:
    """Return what each layer of a causal sequence keeps, and why that is not known."""
    if len(rows) != 1:
        return (), "positions lie along several axes"
    if rows[0].look_ahead is None or outline.attention or outline.windowed:
        return (), rows[0].why or "attention keeps keys and values"
    if outline.branches:
        return (), "there are parallel paths"
    if outline.reads_all:
        return (), f"{outline.reads_all} reads all positions"
    if len(outline.ways[0]) > 1:
        return (), "a path around a block looks further back or ahead than the block"
    stack, found = outline.layers, buffers(outline.layers)
    if found is None:
        return (), "a layer looks ahead"
    rows_of = (
        BufferRow(
            layer=name_of(stack, kept.layer),
            kernel=stack[kept.layer].kernel,
            dilation=stack[kept.layer].dilation,
            positions=kept.positions,
        )
        for kept in found
    )
    return tuple(rows_of), ""
