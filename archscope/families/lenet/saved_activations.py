"""What a training step keeps of a LeNet, in symbols. No torch."""

from __future__ import annotations

from itertools import cycle

import archscope.blocks.saved_maps as maps
from archscope.families.lenet.spec import LeNetSpec
from archscope.theory.saved_activations import SavedActivations, Way
from archscope.theory.symbolic_forward import Tape


def saved_activations(spec: LeNetSpec, way: Way = Way()) -> SavedActivations:  # noqa: B008
    """Return what the convolutions and the linear layers keep for the backward."""
    tape = Tape({}, way)
    pool = maps.mean_pooled if spec.pool == "avg" else maps.max_pooled
    with tape.part(""):
        x = maps.images(tape, spec)
        rows = zip(spec.channels, cycle(spec.kernels), cycle(spec.pools), strict=False)
        for number, (channels, kernel, pooled) in enumerate(rows, start=1):
            around = {} if spec.padding == "same" else {"padding": 0}
            x = maps.convolved(tape, f"conv{number}", x, channels, kernel, **around)
            x = maps.activated(tape, f"act{number}", spec.activation, x)
            if pooled > 1:
                x = pool(tape, f"pool{number}", x, pooled, stride=pooled)
        for number, width in enumerate(spec.hidden, start=1):
            x = maps.linear(tape, f"fc{number}", x, width)
            x = maps.activated(tape, f"fc_act{number}", spec.activation, x)
        tape.keep(f"fc{len(spec.hidden) + 1}", x.value)
    return tape.saved(reruns=False)
