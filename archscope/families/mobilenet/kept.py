"""What a training step keeps of a MobileNet, in symbols. No torch."""

from __future__ import annotations

from functools import partial
from typing import Any

import archscope.blocks.kept_maps as maps
from archscope.blocks.inverted_residual_plan import Block
from archscope.families.mobilenet.spec import (
    MobileNetSpec,
    Part,
    blocks,
    hidden_width,
    last_channels,
    last_number,
)
from archscope.theory.keeping import Tape
from archscope.theory.kept import Kept, Way


def kept(spec: MobileNetSpec, way: Way = Way()) -> Kept:  # noqa: B008
    """Return what the convolutions and the classifier keep for the backward."""
    tape, parts = Tape({}, way), tuple(blocks(spec))
    act = {"v1": "relu", "v2": "relu6", "mnasnet": "relu"}.get(spec.version, "hardswish")
    with tape.part(""):
        x, first = maps.images(tape, spec), parts[0].in_channels
        x = maps.conv_norm_activation(tape, "features.0", x, first, 3, activation=act, stride=2)
    for part in parts:
        x = maps.block(tape, part, partial(_part, part=part), x)
    with tape.part(""):
        if spec.version != "v1":
            at, channels = f"features.{last_number(spec)}", last_channels(spec)
            x = maps.conv_norm_activation(tape, at, x, channels, 1, activation=act)
        x, hidden = maps.mean(tape, "avgpool", x), hidden_width(spec)
        if hidden:
            x = maps.linear(tape, "classifier.0", x, hidden)
            x = maps.activated(tape, "classifier.1", "hardswish", x)
        x = maps.dropped(tape, "classifier.2" if hidden else "classifier.0", x)
        tape.keep("classifier.3" if hidden else "classifier.1", x.value)
    return maps.with_blocks_rerun(tape)


def _part(tape: Tape, x: maps.Held, *, part: Part) -> maps.Held:
    if isinstance(part, Block):
        return maps.inverted_residual(tape, x, part)
    spread: dict[str, Any] = {"stride": part.stride, "activation": "relu"}
    x = maps.conv_norm_activation(tape, "depthwise", x, x.maps.channels, 3, **spread)
    return maps.conv_norm_activation(tape, "pointwise", x, part.out_channels, 1, activation="relu")
