"""What a training step keeps of a MobileNet, in symbols. No torch."""

from __future__ import annotations

from functools import partial
from typing import Any

import archscope.blocks.saved_map_blocks as composed
import archscope.blocks.saved_maps as maps
from archscope.blocks.inverted_residual_plan import Block
from archscope.families.mobilenet.spec import (
    MobileNetSpec,
    Part,
    blocks,
    hidden_width,
    last_channels,
    last_number,
    stem_channels,
)
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: MobileNetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the convolutions and the classifier keep for the backward."""
    tape = Tape({}, way)
    with tape.part(""):
        x = stem(tape, maps.images(tape, spec), spec)
    for part in blocks(spec):
        x = maps.block(tape, part, partial(walked, part=part), x)
    with tape.part(""):
        x = x if spec.version == "v1" else last(tape, x, spec)
        x, hidden = maps.mean(tape, "avgpool", x), hidden_width(spec)
        if hidden:
            x = maps.linear(tape, "classifier.0", x, hidden)
            x = maps.activated(tape, "classifier.1", "hardswish", x)
        x = maps.dropped(tape, "classifier.2" if hidden else "classifier.0", x)
        tape.keep("classifier.3" if hidden else "classifier.1", x.value)
    return tape.saved_of_several()


def stem(tape: Tape, x: maps.Held, spec: MobileNetSpec, *, at: str = "") -> maps.Held:
    """Return what the first convolution makes; `at`: where the convolutions stand."""
    kinds: dict[str, Any] = {"activation": _activation(spec), "stride": 2}
    return composed.conv_norm_activation(
        tape, f"{at}features.0", x, stem_channels(spec), 3, **kinds
    )


def last(tape: Tape, x: maps.Held, spec: MobileNetSpec, *, at: str = "") -> maps.Held:
    """Return what the pointwise convolution behind all blocks makes."""
    path, act = f"{at}features.{last_number(spec)}", _activation(spec)
    return composed.conv_norm_activation(tape, path, x, last_channels(spec), 1, activation=act)


def _activation(spec: MobileNetSpec) -> str:
    return {"v1": "relu", "v2": "relu6", "mnasnet": "relu"}.get(spec.version, "hardswish")


def walked(tape: Tape, x: maps.Held, *, part: Part) -> maps.Held:
    """Return what an inverted residual block or a depthwise-separable convolution makes."""
    if isinstance(part, Block):
        return composed.inverted_residual(tape, x, part)
    spread: dict[str, Any] = {"stride": part.stride, "activation": "relu"}
    x = composed.conv_norm_activation(tape, "depthwise", x, x.maps.channels, 3, **spread)
    return composed.conv_norm_activation(
        tape, "pointwise", x, part.out_channels, 1, activation="relu"
    )
