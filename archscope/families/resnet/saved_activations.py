"""What a training step keeps of a ResNet, in symbols. No torch."""

from __future__ import annotations

from functools import partial

import archscope.blocks.saved_map_blocks as composed
import archscope.blocks.saved_maps as maps
from archscope.families.resnet.spec import ResNetSpec, blocks
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: ResNetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the stem, the blocks and the classifier keep for the backward."""
    tape = Tape({}, way)
    with tape.part(""):
        x = stem(tape, maps.images(tape, spec), spec.stem_channels)
    for block in blocks(spec):
        x = maps.block(tape, block, partial(composed.residual, block=block), x)
    with tape.part(""):
        maps.classified(tape, "fc", x)
    return tape.saved_of_several()


def stem(
    tape: Tape, x: maps.Held, channels: int, *, at: str = "", norm: maps.Norm = maps.normed
) -> maps.Held:
    """Return what the convolution of 7x7 and the pool behind it make; `at`: where both stand.

    The activation is that of the network around.
    """
    x = norm(tape, f"{at}bn1", maps.convolved(tape, f"{at}conv1", x, channels, 7, stride=2))
    x = maps.activated(tape, at.partition(".")[0], "relu", x)
    return maps.max_pooled(tape, f"{at}maxpool", x, 3, stride=2, padding=1)
