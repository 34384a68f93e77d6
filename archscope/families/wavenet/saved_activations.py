"""What a training step keeps of a WaveNet, in symbols. No torch."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import archscope.blocks.saved_maps as maps
from archscope.blocks.map_counts import Maps
from archscope.families.wavenet.spec import WaveNetSpec, blocks
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: WaveNetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the blocks and the convolutions behind them keep for the backward."""
    tape, every = Tape({}, way), list(blocks(spec))
    given = Maps(batch=spec.batch_size, channels=spec.classes, sizes=(spec.input_size,))
    with tape.part(""):
        x = maps.made(tape, "samples", given, holds="input", needs=False)
        causal = partial(_causal, at="causal", spec=spec, channels=spec.residual_channels)
        x = maps.counted(tape, "causal", causal, x, several=len(every) > 1)
    skips: tuple[maps.Held, ...] = ()
    for block in every:
        x = maps.block(tape, block, partial(_block, spec=spec, dilation=block.dilation), x, *skips)
        skips = (_skips(tape, x, spec),)
    with tape.part(""):
        y = maps.activated(tape, "", "relu", _skips(tape, x, spec))
        y = maps.activated(tape, "", "relu", maps.convolved(tape, "end1", y, spec.skip_channels, 1))
        tape.keep("end2", y.value)
    return tape.saved_of_several()


def _skips(tape: Tape, x: maps.Held, spec: WaveNetSpec) -> maps.Held:
    """Return the sum of the skips of all blocks so far."""
    return maps.made(tape, "skips", replace(x.maps, channels=spec.skip_channels))


def _block(
    tape: Tape, x: maps.Held, *skips: maps.Held, spec: WaveNetSpec, dilation: int
) -> maps.Held:
    """Return what goes on; what is added to the skips keeps nothing of them."""
    within = spec.dilation_channels
    gates = _causal(tape, x, at="dilated", spec=spec, channels=2 * within, dilation=dilation)
    half = maps.made(tape, "half", replace(gates.maps, channels=within))
    tanh, sigmoid = (maps.activated(tape, "", kind, half) for kind in ("tanh", "sigmoid"))
    z = replace(half, value=tape.multiply("", tanh.value, sigmoid.value))
    tape.keep("skip", z.value)
    return maps.added(tape, x, maps.convolved(tape, "residual", z, spec.residual_channels, 1))


def _causal(
    tape: Tape, x: maps.Held, *, at: str, spec: WaveNetSpec, channels: int, dilation: int = 1
) -> maps.Held:
    taps = spec.kernel_size
    x = maps.padded(tape, at, x, [((taps - 1) * dilation, 0)])
    return maps.convolved(tape, f"{at}.conv", x, channels, taps, dilation=dilation, padding=0)
