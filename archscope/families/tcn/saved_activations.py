"""What a training step keeps of a TCN, in symbols. No torch."""

from __future__ import annotations

from functools import partial

import archscope.blocks.saved_maps as maps
from archscope.blocks.map_counts import Maps
from archscope.blocks.plan import Numbered
from archscope.families.tcn.spec import TcnSpec
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: TcnSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the levels and the linear layer keep for the backward."""
    tape = Tape({}, way)
    given = Maps(batch=spec.batch_size, channels=spec.in_channels, sizes=(spec.input_size,))
    x = maps.made(tape, "input", given, holds="input", needs=False)
    for level in range(spec.levels):
        block = Numbered(path=f"network.{level}", kind=f"dilation {2**level}")
        x = maps.block(tape, block, partial(_block, spec=spec, dilation=2**level), x)
    with tape.part(""):
        in_one_piece = 1 in (spec.batch_size, spec.hidden_channels, spec.input_size)
        views = spec.reads == "last" or in_one_piece
        tape.keep("linear", x.value if views else tape.like(x.value, "positions in a row"))
    return tape.saved_of_several()


def _block(tape: Tape, x: maps.Held, *, spec: TcnSpec, dilation: int) -> maps.Held:
    y = x
    for conv in ("conv1", "conv2"):
        y = _convolved(tape, conv, y, spec, dilation)
        y = maps.activated(tape, "", "relu", y)
    if x.maps.channels != spec.hidden_channels:
        x = maps.convolved(tape, "downsample", x, spec.hidden_channels, 1)
    return maps.activated(tape, "", "relu", maps.added(tape, y, x))


def _convolved(tape: Tape, at: str, x: maps.Held, spec: TcnSpec, dilation: int) -> maps.Held:
    """Return a causal convolution of weight g v / |v|, each step to which keeps what it reads."""
    outputs, taps = spec.hidden_channels, spec.kernel_size
    for what in ("squares of norms", "norms", "factors"):
        tape.new(at, what, "o", numbers=(("o", outputs),))
    numbers = (("o", outputs), ("c", x.maps.channels), ("k", taps))
    tape.new(at, "weight", "o*c*k", numbers=numbers)
    x = maps.padded(tape, at, x, [((taps - 1) * dilation, 0)])
    return maps.convolved(tape, at, x, outputs, taps, dilation=dilation, padding=0)
