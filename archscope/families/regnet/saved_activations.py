"""What a training step keeps of a RegNet, in symbols. No torch."""

from __future__ import annotations

from functools import partial

import archscope.blocks.saved_map_blocks as composed
import archscope.blocks.saved_maps as maps
from archscope.families.regnet.spec import STEM, Block, RegNetSpec, blocks
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: RegNetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the stem, the blocks and the classifier keep for the backward."""
    tape = Tape({}, way)
    with tape.part(""):
        x = maps.images(tape, spec)
        x = composed.conv_norm_activation(tape, "stem", x, STEM, 3, activation="relu", stride=2)
    for block in blocks(spec):
        x = maps.block(tape, block, partial(_block, block=block), x)
    with tape.part(""):
        maps.classified(tape, "fc", x)
    return tape.saved_of_several()


def _block(tape: Tape, x: maps.Held, *, block: Block) -> maps.Held:
    width, stride = block.out_channels, block.stride
    y = composed.conv_norm_activation(tape, "f.a", x, width, 1, activation="relu")
    y = composed.conv_norm_activation(tape, "f.b", y, width, 3, activation="relu", stride=stride)
    if block.squeezed:
        kinds = {"gate": "sigmoid", "activation": "relu"}
        y = composed.squeeze_excitation(tape, "f.se", y, block.squeezed, **kinds)
    y = composed.conv_norm_activation(tape, "f.c", y, width, 1, activation="")
    around = x
    if not block.repeatable:
        names = "proj.0", "proj.1"
        around = maps.normed_convolution(tape, *names, x, width, 1, stride=stride)
    return maps.activated(tape, "", "relu", maps.added(tape, y, around))
