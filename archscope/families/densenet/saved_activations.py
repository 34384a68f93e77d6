"""What a training step keeps of a DenseNet, in symbols. No torch."""

from __future__ import annotations

from functools import partial

import archscope.blocks.saved_maps as maps
from archscope.families.densenet.spec import DenseNetSpec, widths
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: DenseNetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the dense blocks, the transitions and the classifier keep for the backward."""
    tape = Tape({}, way)
    with tape.part(""):
        x, rows = _stem(tape, spec), list(zip(spec.blocks, widths(spec), strict=True))
        for number, (layers, (_, _, after)) in enumerate(rows, start=1):
            at = f"features.denseblock{number}"
            x = maps.counted(tape, at, partial(_dense, at=at, layers=layers, spec=spec), x)
            if number < len(rows):
                x = _transition(tape, f"features.transition{number}", x, after)
        x = maps.normed(tape, f"features.norm{len(rows) + 1}", x)
        maps.classified(tape, "classifier", maps.activated(tape, "", "relu", x))
    return tape.saved_of_several()


def _stem(tape: Tape, spec: DenseNetSpec) -> maps.Held:
    x = maps.images(tape, spec)
    if spec.stem == "3x3":
        return maps.convolved(tape, "features.conv0", x, spec.stem_channels, 3)
    names = "features.conv0", "features.norm0"
    x = maps.normed_convolution(tape, *names, x, spec.stem_channels, 7, stride=2)
    x = maps.activated(tape, "features.relu0", "relu", x)
    return maps.max_pooled(tape, "features.pool0", x, 3, stride=2, padding=1)


def _dense(tape: Tape, x: maps.Held, *, at: str, layers: int, spec: DenseNetSpec) -> maps.Held:
    parts = [x]
    for layer in range(1, layers + 1):
        within = f"{at}.denselayer{layer}"
        parts.append(_layer(tape, within, maps.joined(tape, within, parts), spec))
    return maps.joined(tape, at, parts)


def _layer(tape: Tape, at: str, x: maps.Held, spec: DenseNetSpec) -> maps.Held:
    within = spec.bottleneck * spec.growth_rate
    steps = [(within, 1), (spec.growth_rate, 3)] if within else [(spec.growth_rate, 3)]
    for number, (channels, kernel) in enumerate(steps, start=1):
        x = maps.normed(tape, f"{at}.norm{number}", x)
        x = maps.activated(tape, f"{at}.relu{number}", "relu", x)
        x = maps.convolved(tape, f"{at}.conv{number}", x, channels, kernel)
    return x


def _transition(tape: Tape, at: str, x: maps.Held, channels: int) -> maps.Held:
    x = maps.activated(tape, f"{at}.relu", "relu", maps.normed(tape, f"{at}.norm", x))
    x = maps.convolved(tape, f"{at}.conv", x, channels, 1)
    return maps.mean_pooled(tape, f"{at}.pool", x, 2, stride=2)
