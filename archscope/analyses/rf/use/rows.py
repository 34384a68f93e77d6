"""Rows on uses of a receptive field: look-ahead, tiles, input sizes, buffers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archscope.columns import column
from archscope.records import frozen
from archscope.results import Section

if TYPE_CHECKING:
    from archscope.theory.tiling import Tiling


@frozen
class AxisRow:
    """One axis of positions: what an output needs of it, and how to cut it.

    In positions of the input; `_ms` where a sample rate was given.
    """

    axis: int = column("Axis", kind="number")
    """Axis of the input, counted from 0; in closed form, of its axes of positions."""
    receptive_field: int = column("RF", kind="number")
    """Positions from the first to the last that an output sees."""
    look_back: int | None = column("Look-back", none="–", kind="number", default=None)
    """Positions before its own place that an output sees, at most; None: unknown or without end.
    The place of output u is floor(u x jump), and `late` later."""
    look_ahead: int | None = column("Look-ahead", none="–", kind="number", default=None)
    """Positions after its own place that an output sees, at most: the lag, until every output that
    belongs there can be made."""
    jump: float | None = column("Jump", none="–", kind="number", drop=1, default=None)
    """Positions from output to output."""
    receptive_field_ms: float | None = column(
        "RF ms", kind="number", drop=1, idle="unknown", default=None
    )
    """The same in milliseconds."""
    look_back_ms: float | None = column("Back ms", kind="number", idle="unknown", default=None)
    """The same in milliseconds."""
    look_ahead_ms: float | None = column("Ahead ms", kind="number", idle="unknown", default=None)
    """The same in milliseconds."""
    jump_ms: float | None = column("Jump ms", kind="number", drop=1, idle="unknown", default=None)
    """The same in milliseconds."""
    tile_step: int | None = column("Tile step", none="–", kind="number", drop=2, default=None)
    """Tiles start at multiples of it, and are multiples of it and `tile_rest` long."""
    tile_rest: int | None = column("Rest", kind="number", drop=2, idle="empty", default=None)
    """Positions of a tile beyond a multiple of that, which some networks want."""
    tile_overlap: int | None = column("Overlap", none="–", kind="number", drop=2, default=None)
    """Positions that neighbouring tiles share, so that the outputs that are kept join."""
    discard_before: int | None = column("Discard", none="–", kind="number", drop=2, default=None)
    """Outputs to throw away at the start of each tile but the first."""
    discard_after: int | None = column("and after", none="–", kind="number", drop=2, default=None)
    """Outputs to throw away at the end of each tile but the last."""
    margin_before: int | None = column(default=None)
    """Positions at the start of a tile that belong to outputs that are thrown away."""
    margin_after: int | None = column(default=None)
    """Positions at its end that make no output that is kept."""
    smallest_input: int | None = column(
        "Smallest input", none="–", kind="number", drop=3, default=None
    )
    """The smallest size that runs."""
    allowed_sizes: str | None = column(
        "Sizes that run", none="–", drop=3, idle="unknown", default=None
    )
    """The sizes that run, in words; found by trying."""
    outputs: str | None = column("Outputs of n", none="–", drop=3, idle="unknown", default=None)
    """How many outputs n positions give; None: by no such formula, or not found."""
    start: int | None = column("Start", kind="number", drop=4, idle="unknown", default=None)
    """First position that output 0 sees, negative inside padding."""
    late: int = column(default=0)
    """The position that output 0 belongs to, where outputs are those of the last positions of any
    input, each of the position that it continues; 0: places are counted from the first."""
    sees_first: bool = column(default=False)
    """Whether outputs see back to the first position of the input, however long it is."""
    table: str = column(default="")
    """The module in which constants come in that differ from place to place, or what else goes by
    places, so that a tile or a chunk must be told where it begins; empty: nothing does."""
    unbuffered: str = column(default="")
    """Why no buffers are known that it runs with chunk by chunk; empty: they are."""
    why: str = column("Unknown because", drop=1, idle="empty", default="")
    """Why some of this is None."""


def with_tiles(row: AxisRow, cut: Tiling) -> AxisRow:
    """Return a row with how an input is cut along its axis."""
    return replace(
        row,
        tile_rest=cut.rest,
        tile_overlap=cut.overlap,
        discard_before=cut.discard_before,
        discard_after=cut.discard_after,
        margin_before=cut.margin_before,
        margin_after=cut.margin_after,
    )


def without_tiles(row: AxisRow, why: str) -> AxisRow:
    """Return a row of an axis along which no cuts join to what the whole input gives."""
    return replace(
        row,
        tile_step=None,
        tile_rest=None,
        tile_overlap=None,
        discard_before=None,
        discard_after=None,
        margin_before=None,
        margin_after=None,
        why=why,
    )


@frozen
class BufferRow:
    """What a layer of a causal network keeps of its input from one chunk to the next."""

    layer: str = column("Layer")
    """Its name, or the path of the module that ran it."""
    kernel: int = column("Kernel", kind="number")
    """Taps."""
    dilation: int = column("Dilation", kind="number", drop=1)
    """Positions of its input from tap to tap."""
    positions: int = column("Buffer", kind="number")
    """Positions of its own input that are kept: (kernel - 1) x dilation; behind up-sampling, those
    that later outputs still read."""
    channels: int | None = column("Channels", kind="number", idle="unknown", default=None)
    """Numbers at each position; None: the layers alone do not tell."""
    bytes: int | None = column("Bytes", kind="bytes", idle="unknown", default=None)
    """What the buffer takes for one sequence."""


AXES = Section(
    analysis="rf",
    name="axes",
    row_type=AxisRow,
    caption="Each axis: look-back and look-ahead, tiles, and the sizes that run",
    folded=True,
)

BUFFERS = Section(
    analysis="rf",
    name="buffers",
    row_type=BufferRow,
    caption="What a causal network keeps from chunk to chunk",
    folded=True,
)
