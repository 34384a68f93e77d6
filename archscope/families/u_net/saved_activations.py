"""What a training step keeps of a U-Net, in symbols. No torch."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import archscope.blocks.saved_maps as maps
from archscope.families.u_net.spec import Double, UnetSpec, down, up
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: UnetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the path down, the path up and the last convolution keep for the backward."""
    tape, across = Tape({}, way), []
    with tape.part(""):
        x = maps.images(tape, spec)
        for level, plan in enumerate(down(spec)):
            run = partial(_down, spec=spec, plan=plan, level=level)
            x = maps.counted(tape, f"down.{level}", run, x)
            across.append(x)
        for level, (plan, beside) in enumerate(zip(up(spec), reversed(across[:-1]), strict=True)):
            at, run = f"up.{level}", partial(_up, spec=spec, plan=plan, level=level)
            x = maps.counted(tape, at, run, x, beside, several=spec.levels > 2)
        tape.keep("out", x.value)
    return tape.saved_of_several()


def _down(tape: Tape, x: maps.Held, *, spec: UnetSpec, plan: Double, level: int) -> maps.Held:
    x = maps.max_pooled(tape, f"down.{level}.pool", x, 2, stride=2) if level else x
    return _double(tape, spec, f"down.{level}", x, plan)


def _up(
    tape: Tape, x: maps.Held, across: maps.Held, *, spec: UnetSpec, plan: Double, level: int
) -> maps.Held:
    x = _enlarged(tape, spec, f"up.{level}.upsample", x, plan)
    middle = replace(across, maps=replace(across.maps, sizes=x.maps.sizes))
    return _double(tape, spec, f"up.{level}", maps.joined(tape, "both", [middle, x]), plan)


def _double(tape: Tape, spec: UnetSpec, at: str, x: maps.Held, plan: Double) -> maps.Held:
    padding = 1 if spec.padding == "same" else 0
    for number, channels in enumerate((plan.within, plan.out_channels), start=1):
        x = maps.convolved(tape, f"{at}.conv{number}", x, channels, 3, padding=padding)
        x = maps.normed(tape, f"{at}.norm{number}", x) if spec.norm == "batchnorm" else x
        x = maps.activated(tape, at, "relu", x)
    return x


def _enlarged(tape: Tape, spec: UnetSpec, at: str, x: maps.Held, plan: Double) -> maps.Held:
    if spec.upsampling == "transposed":
        return maps.doubled(tape, at, x, plan.in_channels // 2)
    sizes = tuple(2 * size for size in x.maps.sizes)
    return maps.made(tape, at, replace(x.maps, sizes=sizes))
