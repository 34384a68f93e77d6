"""What a LeNet looks at: its convolutions and pools as layers of one axis."""

from __future__ import annotations

from archscope.families.lenet.spec import LeNetSpec, layers
from archscope.theory.outline import Outline


def outline(spec: LeNetSpec) -> Outline:
    """Return what the network looks at."""
    stack = tuple(layers(spec))
    return Outline(axes=2, layers=stack, input_size=spec.input_size, reads_all="fc1")
