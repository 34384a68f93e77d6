"""What a training step keeps of a SqueezeNet, in symbols. No torch."""

from __future__ import annotations

from functools import partial

import archscope.blocks.saved_maps as maps
from archscope.families.squeezenet.spec import STEMS, Place, SqueezeNetSpec, places
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: SqueezeNetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the fire modules and the classifier keep for the backward."""
    tape, (kernel, _) = Tape({}, way), STEMS[spec.version]
    with tape.part(""):
        x = maps.images(tape, spec)
        for place in places(spec):
            match place.kind:
                case "convolution":
                    placed = {"stride": 2, "padding": 0}
                    x = maps.convolved(tape, place.path, x, place.out_channels, kernel, **placed)
                case "activation":
                    x = maps.activated(tape, place.path, "relu", x)
                case "pool":
                    x = maps.max_pooled(tape, place.path, x, 3, stride=2, ceil=True)
                case _:
                    x = maps.counted(tape, place.path, partial(_fire, place=place), x)
        x = maps.dropped(tape, "classifier.0", x)
        x = maps.convolved(tape, "classifier.1", x, spec.classes, 1)
        maps.activated(tape, "classifier.2", "relu", x)
    return tape.saved_of_several()


def _fire(tape: Tape, x: maps.Held, *, place: Place) -> maps.Held:
    at = place.path
    x = maps.convolved(tape, f"{at}.squeeze", x, place.squeezed, 1)
    x = maps.activated(tape, at, "relu", x)
    one = maps.convolved(tape, f"{at}.expand1x1", x, place.pointwise, 1)
    one = maps.activated(tape, at, "relu", one)
    three = maps.convolved(tape, f"{at}.expand3x3", x, place.wide, 3)
    three = maps.activated(tape, at, "relu", three)
    return maps.joined(tape, at, [one, three])
