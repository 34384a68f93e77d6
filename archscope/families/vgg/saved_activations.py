"""What a training step keeps of a VGG, in symbols. No torch."""

from __future__ import annotations

import archscope.blocks.saved_maps as maps
from archscope.families.vgg.spec import POOLED, VggSpec, places
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: VggSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the convolutions and the linear layers keep for the backward."""
    tape = Tape({}, way)
    with tape.part(""):
        x = maps.images(tape, spec)
        for place in places(spec):
            match place.kind:
                case "convolution":
                    x = maps.convolved(tape, place.path, x, place.out_channels, 3)
                case "norm":
                    x = maps.normed(tape, place.path, x)
                case "activation":
                    x = maps.activated(tape, place.path, "relu", x)
                case _:
                    x = maps.max_pooled(tape, place.path, x, 2, stride=2)
        x = maps.pooled_to(tape, "avgpool", x, POOLED)
        for number in (0, 3):
            x = maps.linear(tape, f"classifier.{number}", x, spec.d_ff)
            x = maps.activated(tape, f"classifier.{number + 1}", "relu", x)
            x = maps.dropped(tape, f"classifier.{number + 2}", x)
        tape.keep("classifier.6", x.value)
    return tape.saved(reruns=False)
