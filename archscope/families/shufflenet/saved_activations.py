"""What a training step keeps of a ShuffleNet, in symbols. No torch."""

from __future__ import annotations

from functools import partial

import archscope.blocks.saved_map_blocks as composed
import archscope.blocks.saved_maps as maps
from archscope.blocks.plan import Step
from archscope.families.shufflenet.spec import ShuffleNetSpec, blocks
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: ShuffleNetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the stem, the units and the classifier keep for the backward."""
    tape, act = Tape({}, way), "relu"
    with tape.part(""):
        x, stem = maps.images(tape, spec), spec.stem_channels
        x = composed.conv_norm_activation(tape, "conv1", x, stem, 3, activation=act, stride=2)
        x = maps.max_pooled(tape, "maxpool", x, 3, stride=2, padding=1)
    for block in blocks(spec):
        x = maps.block(tape, block, partial(_unit, block=block), x)
    with tape.part(""):
        x = composed.conv_norm_activation(tape, "conv5", x, spec.last_channels, 1, activation=act)
        maps.classified(tape, "fc", x)
    return tape.saved_of_several()


def _unit(tape: Tape, x: maps.Held, *, block: Step) -> maps.Held:
    half, stride = block.out_channels // 2, block.stride
    layers = [(half, 1, 1, "relu"), (half, 3, stride, ""), (half, 1, 1, "relu")]
    if block.kind != "split":  # of halves each reads a view of all channels
        _branch(tape, "branch1", x, [(block.in_channels, 3, stride, ""), (half, 1, 1, "relu")])
    y = _branch(tape, "branch2", x, layers)
    return maps.joined(tape, "shuffled", [y, y])


def _branch(
    tape: Tape, at: str, x: maps.Held, layers: list[tuple[int, int, int, str]]
) -> maps.Held:
    place = 0
    for channels, kernel, stride, activation in layers:
        names = f"{at}.{place}", f"{at}.{place + 1}"
        x = maps.normed_convolution(tape, *names, x, channels, kernel, stride=stride)
        if activation:
            x = maps.activated(tape, f"{at}.{place + 2}", activation, x)
        place += 3 if activation else 2
    return x
