"""What a training step keeps of a one-stage detector, in symbols. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import archscope.blocks.saved_map_blocks as composed
import archscope.blocks.saved_maps as maps
from archscope.blocks.plan import list_of
from archscope.families.detection.spec import (
    BODY,
    GROUPS,
    SIDES,
    DetectionSpec,
    blocks,
    resnet_spec,
)
from archscope.families.resnet.saved_activations import stem
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape

PYRAMID = "backbone.fpn"


def saved_activations(spec: DetectionSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what backbone, pyramid and heads keep for the backward."""
    tape = Tape({}, way)
    norm = maps.normed if spec.norm == "batchnorm" else maps.frozen_normed
    with tape.part(""):
        x, channels = maps.images(tape, spec), resnet_spec(spec).stem_channels
        x = stem(tape, x, channels, at=BODY, norm=norm)
    found = {}
    for block in blocks(spec):
        x = maps.block(tape, block, partial(composed.residual, block=block, norm=norm), x)
        found[list_of(block)] = x
    with tape.part(""):
        levels = _pyramid(tape, spec, list(found.values())[1:])
        _heads(tape, spec, levels)
    return tape.saved_of_several()


def _pyramid(tape: Tape, spec: DetectionSpec, found: Sequence[maps.Held]) -> list[maps.Held]:
    """Return the levels of all maps, from the top down, and two coarser ones."""
    levels: list[maps.Held] = []
    for number in reversed(range(len(found))):
        at = f"{PYRAMID}.inner_blocks.{number}.0"
        x = maps.convolved(tape, at, found[number], spec.channels, 1)
        at = f"{PYRAMID}.layer_blocks.{number}.0"
        levels.insert(0, maps.convolved(tape, at, x, spec.channels, 3))
    at = f"{PYRAMID}.extra_blocks"
    first = found[-1] if spec.p6_reads == "c5" else levels[-1]
    p6 = maps.convolved(tape, f"{at}.p6", first, spec.channels, 3, stride=2)
    x = maps.activated(tape, at, "relu", p6)
    return [*levels, p6, maps.convolved(tape, f"{at}.p7", x, spec.channels, 3, stride=2)]


def _heads(tape: Tape, spec: DetectionSpec, levels: Sequence[maps.Held]) -> None:
    classes, is_fcos = spec.boxes * spec.classes, spec.head == "fcos"
    centres = {"bbox_ctrness": spec.boxes} if is_fcos else {}
    _head(tape, spec, "head.classification_head", levels, cls_logits=classes)
    outputs = {"bbox_reg": spec.boxes * SIDES, **centres}
    sides = _head(tape, spec, "head.regression_head", levels, **outputs)
    for x in sides if is_fcos else ():
        maps.activated(tape, "head", "relu", x)


def _head(
    tape: Tape, spec: DetectionSpec, at: str, levels: Sequence[maps.Held], **outputs: int
) -> list[maps.Held]:
    """Return of each level what the first of the last layers makes; heads are blocks."""
    given = (x.value for x in levels)
    with tape.counted(at, *given):
        within = [_within(tape, spec, at, x) for x in levels]
        made = [
            [maps.convolved(tape, f"{at}.{name}", x, channels, 3) for x in within]
            for name, channels in outputs.items()
        ]
    return made[0]


def _within(tape: Tape, spec: DetectionSpec, at: str, x: maps.Held) -> maps.Held:
    for number in range(spec.head_layers):
        layer = f"{at}.conv.{number}"
        x = maps.convolved(tape, f"{layer}.0", x, spec.channels, 3)
        if spec.has_head_norm:
            x = maps.group_normed(tape, f"{layer}.1", x, GROUPS)
        x = maps.activated(tape, f"{layer}.{1 + spec.has_head_norm}", "relu", x)
    return x
