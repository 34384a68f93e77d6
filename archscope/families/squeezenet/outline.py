"""What a SqueezeNet looks at: its longest path as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.families.squeezenet.spec import STEMS, SqueezeNetSpec, places
from archscope.theory.layers import Layer, conv, pool
from archscope.theory.outline import Outline


def layers(spec: SqueezeNetSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions of 3x3 along one axis."""
    for place in places(spec):
        if place.kind == "convolution":
            yield conv(STEMS[spec.version][0], stride=2, padding=0, name=place.path)
        elif place.kind == "pool":
            yield pool(3, stride=2, ceil_mode=True, name=place.path)
        elif place.kind == "fire":
            yield conv(1, name=f"{place.path}.squeeze")
            yield conv(3, name=f"{place.path}.expand3x3")
    yield conv(1, name="classifier.1")


def outline(spec: SqueezeNetSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    remark = (
        "the table is of the path through all convolutions of 3×3; those of 1×1 beside them see "
        "the middle of the same windows"
    )
    return Outline(
        axes=2,
        layers=tuple(layers(spec)),
        input_size=spec.input_size,
        reads_all="classifier.3",
        remarks=(remark,),
    )
