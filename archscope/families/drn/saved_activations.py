"""What a training step keeps of a DRN, in symbols. No torch."""

from __future__ import annotations

from functools import partial

import archscope.blocks.saved_map_blocks as composed
import archscope.blocks.saved_maps as maps
from archscope.blocks.plan import Step
from archscope.families.drn.spec import DrnSpec, Part, blocks
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: DrnSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the levels and the classifier keep for the backward."""
    tape, parts, is_resnet = Tape({}, way), tuple(blocks(spec)), spec.arch == "a"
    with tape.part(""):
        x, channels = maps.images(tape, spec), parts[0].in_channels
        stride = 2 if is_resnet else 1
        x = maps.normed_convolution(tape, "conv1", "bn1", x, channels, 7, stride=stride)
        x = maps.activated(tape, "", "relu", x)
        x = maps.max_pooled(tape, "maxpool", x, 3, stride=2, padding=1) if is_resnet else x
    for part in parts:
        x = maps.block(tape, part, partial(_part, part=part), x)
    with tape.part(""):
        maps.classified(tape, "fc", x)
    return tape.saved_of_several()


def _part(tape: Tape, x: maps.Held, *, part: Part) -> maps.Held:
    if not isinstance(part, Step):
        return composed.residual(tape, x, part)
    placed = {"stride": part.stride, "dilation": part.dilation}
    y = maps.normed_convolution(tape, "conv", "bn", x, part.out_channels, 3, **placed)
    return maps.activated(tape, "", "relu", y)
