"""What a training step keeps of an EfficientNet, in symbols. No torch."""

from __future__ import annotations

from functools import partial

import archscope.blocks.saved_map_blocks as composed
import archscope.blocks.saved_maps as maps
from archscope.blocks.plan import lists
from archscope.families.efficientnet.spec import EfficientNetSpec, blocks, last_channels
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: EfficientNetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the stem, the blocks and the classifier keep for the backward."""
    tape, parts = Tape({}, way), tuple(blocks(spec))
    with tape.part(""):
        x, first = maps.images(tape, spec), parts[0].in_channels
        x = composed.conv_norm_activation(
            tape, "features.0", x, first, 3, activation="silu", stride=2
        )
    for block in parts:
        x = maps.block(tape, block, partial(composed.inverted_residual, block=block), x)
    with tape.part(""):
        at, channels = f"features.{len(lists(parts)) + 1}", last_channels(spec)
        x = composed.conv_norm_activation(tape, at, x, channels, 1, activation="silu")
        x = maps.dropped(tape, "classifier.0", maps.mean(tape, "avgpool", x))
        tape.keep("classifier.1", x.value)
    return tape.saved_of_several()
