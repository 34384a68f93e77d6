"""What a VGG looks at: its convolutions and pools as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.families.vgg.spec import VggSpec, places
from archscope.theory.layers import Layer, conv, pool
from archscope.theory.outline import Outline


def layers(spec: VggSpec) -> Iterator[Layer]:
    """Yield the convolutions and pools along one axis."""
    for place in places(spec):
        if place.kind == "convolution":
            yield conv(3, name=place.path)
        elif place.kind == "pool":
            yield pool(2, name=place.path)


def outline(spec: VggSpec) -> Outline:
    """Return what the network looks at."""
    return Outline(
        axes=2, layers=tuple(layers(spec)), input_size=spec.input_size, reads_all="classifier"
    )
