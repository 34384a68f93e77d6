"""What a training step keeps of an Xception, in symbols. No torch."""

from __future__ import annotations

from functools import partial
from typing import Any

import archscope.blocks.saved_map_blocks as composed
import archscope.blocks.saved_maps as maps
from archscope.families.separable_residual.spec import (
    BEHIND,
    FIRST,
    STEM,
    Block,
    XceptionSpec,
    blocks,
)
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: XceptionSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the flows and the classifier keep for the backward."""
    tape = Tape({}, way)
    with tape.part(""):
        x = opening(tape, maps.images(tape, spec), spec)
    for block in blocks(spec):
        x = maps.block(tape, block, partial(xception_block, block=block), x)
    with tape.part(""):
        for number, channels in enumerate(() if spec.is_aligned else BEHIND, start=3):
            at = f"conv{number}"
            run = partial(composed.separable, at=at, channels=channels, between="nothing")
            x = maps.counted(tape, at, run, x)
            x = maps.activated(tape, "", "relu", x)
        maps.classified(tape, "fc", x)
    return tape.saved_of_several()


def opening(tape: Tape, x: maps.Held, spec: XceptionSpec, *, at: str = "") -> maps.Held:
    """Return what both convolutions before the blocks make; `at`: where they stand."""
    padding = 1 if spec.is_aligned else 0
    for number, (channels, stride) in enumerate(((FIRST, 2), (STEM, 1)), start=1):
        placed: dict[str, Any] = {"stride": stride, "padding": padding}
        names = f"{at}conv{number}", f"{at}bn{number}"
        x = maps.normed_convolution(tape, *names, x, channels, 3, **placed)
        x = maps.activated(tape, at.rstrip("."), "relu", x)
    return x


def xception_block(tape: Tape, x: maps.Held, *, block: Block) -> maps.Held:
    """Return what a block of any flow makes."""
    y, last = x, len(block.channels) - 1
    for number, channels in enumerate(block.channels[1:], start=1):
        if block.residual and (number > 1 or block.starts_with_relu):
            y = maps.activated(tape, "", "relu", y)
        at, is_last = f"conv{number}", block.aligned and number == last
        run = partial(
            composed.separable,
            at=at,
            channels=channels,
            between="norm" if block.aligned else "nothing",
            activates=not block.residual,
            stride=block.stride if is_last else 1,
            dilation=block.dilation,
        )
        # A tapped block is the only one of its class, whose convolutions are counted instead.
        y = maps.counted(tape, at, run, y, several=block.tapped)
    if block.stride > 1 and not block.aligned:
        y = maps.max_pooled(tape, "pool", y, 3, stride=block.stride, padding=1)
    if not block.residual:
        return y
    around = x
    if block.stride > 1 or block.in_channels != block.out_channels:
        names = "skip.0", "skip.1"
        around = maps.normed_convolution(
            tape, *names, x, block.out_channels, 1, stride=block.stride
        )
    return maps.added(tape, y, around)
