"""What a training step keeps of an ESPNet, in symbols. No torch."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import archscope.blocks.saved_maps as maps
from archscope.blocks.plan import lists
from archscope.families.espnet.spec import EspnetSpec, blocks
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: EspnetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the encoder and, if there is one, the decoder keep for the backward."""
    tape, (first, second, third) = Tape({}, way), spec.channels
    with tape.part(""):
        image = maps.images(tape, spec)
        x = maps.convolved(tape, "encoder.level1.conv", image, first, 3, stride=2)
        x = _normed(tape, "encoder.level1", x)
        halved = _halved(tape, "encoder.sample1", image, 1)
        fine = _normed(tape, "encoder.b1", maps.joined(tape, "b1", [x, halved]))
    before, after = _level(tape, spec, 2, fine, second)
    with tape.part(""):
        quarter = _halved(tape, "encoder.sample2", image, 2)
        x = maps.joined(tape, "b2", [after, before, quarter])
        middle = _normed(tape, "encoder.b2", x)
    before, after = _level(tape, spec, 3, middle, third)
    with tape.part(""):
        x = _normed(tape, "encoder.b3", maps.joined(tape, "b3", [before, after]))
        coarse = maps.convolved(tape, "encoder.classifier", x, spec.classes, 1)
        if spec.decoder:
            _decoded(tape, spec, fine, middle, coarse)
    return tape.saved_of_several()


def _normed(tape: Tape, at: str, x: maps.Held) -> maps.Held:
    """Return a norm, and an activation with a slope for each channel."""
    return maps.sloped(tape, f"{at}.act", maps.normed(tape, f"{at}.bn", x))


def _halved(tape: Tape, at: str, x: maps.Held, times: int) -> maps.Held:
    for number in range(times):
        x = maps.mean_pooled(tape, f"{at}.{number}", x, 3, stride=2, padding=1)
    return x


def _level(
    tape: Tape, spec: EspnetSpec, number: int, x: maps.Held, channels: int
) -> tuple[maps.Held, maps.Held]:
    """Return what the first pyramid of a level makes, which strides, and what the last does."""
    at = f"encoder.level{number}"
    with tape.part(""):
        x = before = _counted(tape, spec, f"{at}_0", x, channels, stride=2)
    run = partial(_pyramid, spec=spec, channels=channels, residual=True)
    for block in lists(blocks(spec)).get(at, ()):
        x = maps.block(tape, block, run, x)
    return before, x


def _counted(
    tape: Tape, spec: EspnetSpec, at: str, x: maps.Held, channels: int, *, stride: int = 1
) -> maps.Held:
    run = partial(_pyramid, spec=spec, channels=channels, at=f"{at}.", stride=stride)
    return maps.counted(tape, at, run, x)


def _pyramid(
    tape: Tape,
    x: maps.Held,
    *,
    spec: EspnetSpec,
    channels: int,
    at: str = "",
    stride: int = 1,
    residual: bool = False,
) -> maps.Held:
    """Return dilated convolutions of what one makes, side by side, with a norm."""
    count = len(spec.dilations)
    kernel, within = 1 if stride == 1 else 3, channels // count
    y = maps.convolved(tape, f"{at}c1", x, within, kernel, stride=stride)
    for number in range(count):
        tape.keep(f"{at}d{number}", y.value)
    y = maps.made(tape, "side by side", replace(y.maps, channels=channels))
    return _normed(tape, f"{at}bn", maps.added(tape, y, x) if residual else y)


def _decoded(
    tape: Tape, spec: EspnetSpec, fine: maps.Held, middle: maps.Held, coarse: maps.Held
) -> None:
    classes = spec.classes
    coarse = maps.doubled(tape, "decoder.up_l3.0", maps.normed(tape, "decoder.br", coarse), classes)
    x = maps.convolved(tape, "decoder.level3_C", middle, classes, 1)
    x = _normed(tape, "decoder.combine_l2_l3.0", maps.joined(tape, "both", [x, coarse]))
    x = _counted(tape, spec, "decoder.combine_l2_l3.1", x, classes)
    x = _normed(tape, "decoder.up_l2.1", maps.doubled(tape, "decoder.up_l2.0", x, classes))
    x = maps.joined(tape, "both", [x, fine])
    x = _normed(tape, "decoder.conv", maps.convolved(tape, "decoder.conv.conv", x, classes, 3))
    tape.keep("decoder.classifier", x.value)
