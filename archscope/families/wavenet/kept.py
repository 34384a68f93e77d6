"""What a training step keeps of a WaveNet, in symbols. No torch."""

from __future__ import annotations

from dataclasses import replace

import archscope.blocks.kept_maps as maps
from archscope.blocks.counted_maps import Maps
from archscope.families.wavenet.spec import Block, WaveNetSpec, blocks
from archscope.theory.keeping import Tape, Value
from archscope.theory.kept import Kept, Way


def kept(spec: WaveNetSpec, way: Way = Way()) -> Kept:  # noqa: B008
    """Return what the blocks and the convolutions behind them keep for the backward."""
    tape = Tape({}, way)

    def again(number: int) -> bool:
        """Return whether one of the blocks runs again: the first convolution is the first."""
        return bool(way.every) and number % way.every == 0

    given = Maps(batch=spec.batch_size, channels=spec.classes, sizes=(spec.input_size,))
    with tape.part(""):
        x = maps.made(tape, "samples", given, holds="input", needs=False)
        x = _first(tape, x, spec, again=again(1))
    skips: tuple[Value, ...] = ()
    for number, block in enumerate(blocks(spec), start=2):
        x = _run(tape, block, x, skips, spec, again=again(number))
        skips = (_skips(tape, x, spec).value,)
    with tape.part(""):
        y = maps.activated(tape, "", "relu", _skips(tape, x, spec))
        y = maps.activated(tape, "", "relu", maps.convolved(tape, "end1", y, spec.skip_channels, 1))
        tape.keep("end2", y.value)
    return maps.with_blocks_rerun(tape)


def _skips(tape: Tape, x: maps.Held, spec: WaveNetSpec) -> maps.Held:
    """Return the sum of the skips of all blocks so far."""
    return maps.made(tape, "skips", replace(x.maps, channels=spec.skip_channels))


def _first(tape: Tape, x: maps.Held, spec: WaveNetSpec, *, again: bool) -> maps.Held:
    def run(tape: Tape, x: maps.Held) -> maps.Held:
        return _causal(tape, "causal", x, spec, spec.residual_channels)

    return maps.run_again(tape, "causal", run, x) if again else run(tape, x)


def _run(
    tape: Tape,
    block: Block,
    x: maps.Held,
    skips: tuple[Value, ...],
    spec: WaveNetSpec,
    *,
    again: bool,
) -> maps.Held:
    def ran(value: Value, *skips: Value) -> Value:
        return _block(tape, replace(x, value=value), spec, block.dilation).value

    return replace(
        x, value=tape.block(block.path, block.dilation, ran, x.value, *skips, again=again)
    )


def _block(tape: Tape, x: maps.Held, spec: WaveNetSpec, dilation: int) -> maps.Held:
    within = spec.dilation_channels
    gates = _causal(tape, "dilated", x, spec, 2 * within, dilation)
    half = maps.made(tape, "half", replace(gates.maps, channels=within))
    tanh, sigmoid = (maps.activated(tape, "", kind, half) for kind in ("tanh", "sigmoid"))
    z = replace(half, value=tape.multiply("", tanh.value, sigmoid.value))
    tape.keep("skip", z.value)
    return maps.added(tape, x, maps.convolved(tape, "residual", z, spec.residual_channels, 1))


def _causal(
    tape: Tape, at: str, x: maps.Held, spec: WaveNetSpec, channels: int, dilation: int = 1
) -> maps.Held:
    taps = spec.kernel_size
    x = maps.padded(tape, at, x, [((taps - 1) * dilation, 0)])
    return maps.convolved(tape, f"{at}.conv", x, channels, taps, dilation=dilation, padding=0)
