"""What a training step keeps of a U-Net, in symbols. No torch."""

from __future__ import annotations

from dataclasses import replace

import archscope.blocks.kept_maps as maps
from archscope.families.u_net.spec import Double, UnetSpec, down, up
from archscope.theory.keeping import Tape
from archscope.theory.kept import Kept, Way


def kept(spec: UnetSpec, way: Way = Way()) -> Kept:  # noqa: B008
    """Return what the path down, the path up and the last convolution keep for the backward."""
    tape = Tape({}, way)
    with tape.part(""):
        x, across = maps.images(tape, spec), []
        for level, plan in enumerate(down(spec)):
            x = maps.max_pooled(tape, f"down.{level}.pool", x, 2, stride=2) if level else x
            x = _double(tape, spec, f"down.{level}", x, plan)
            across.append(x)
        for level, (plan, beside) in enumerate(zip(up(spec), reversed(across[:-1]), strict=True)):
            x = _enlarged(tape, spec, f"up.{level}.upsample", x, plan)
            beside = replace(beside, maps=replace(beside.maps, sizes=x.maps.sizes))
            x = _double(tape, spec, f"up.{level}", maps.joined(tape, "both", [beside, x]), plan)
        tape.keep("out", x.value)
    return maps.without_recomputation(tape)


def _double(tape: Tape, spec: UnetSpec, at: str, x: maps.Held, plan: Double) -> maps.Held:
    padding = 1 if spec.padding == "same" else 0
    for number, channels in enumerate((plan.within, plan.out_channels), start=1):
        x = maps.convolved(tape, f"{at}.conv{number}", x, channels, 3, padding=padding)
        x = maps.normed(tape, f"{at}.norm{number}", x) if spec.norm == "batchnorm" else x
        x = maps.activated(tape, at, "relu", x)
    return x


def _enlarged(tape: Tape, spec: UnetSpec, at: str, x: maps.Held, plan: Double) -> maps.Held:
    channels = x.maps.channels
    if spec.upsampling == "transposed":
        tape.keep(at, x.value)
        channels = plan.in_channels // 2
    sizes = tuple(2 * size for size in x.maps.sizes)
    return maps.made(tape, at, replace(x.maps, channels=channels, sizes=sizes))
