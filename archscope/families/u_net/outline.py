"""What a U-Net looks at: the path through its lowest resolution."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.families.u_net.spec import CONVOLUTIONS, UnetSpec
from archscope.theory.layers import Layer, conv, linear, nearest, pool, transposed
from archscope.theory.outline import Outline


def layers(spec: UnetSpec) -> Iterator[Layer]:
    """Yield the longest path, through the lowest resolution, along one axis."""
    for level in range(spec.levels):
        if level:
            yield pool(2, name=f"down.{level}.pool")
        yield from _double(spec, f"down.{level}")
    for number in range(spec.levels - 1):
        yield _upsampling(spec, f"up.{number}.upsample")
        yield from _double(spec, f"up.{number}")
    yield conv(1, name="out")


def _double(spec: UnetSpec, path: str) -> Iterator[Layer]:
    for number in range(1, CONVOLUTIONS + 1):
        yield conv(3, padding=spec.padding, name=f"{path}.conv{number}")


def _upsampling(spec: UnetSpec, name: str) -> Layer:
    if spec.upsampling == "transposed":
        return transposed(2, stride=2, name=name)
    return linear(2, name=name) if spec.upsampling == "bilinear" else nearest(2, name=name)


def outline(spec: UnetSpec) -> Outline:
    """Return what the network looks at: the path through the lowest resolution."""
    return Outline(
        axes=2,
        layers=tuple(layers(spec)),
        input_size=spec.input_size,
        remarks=(
            "the table is of the path through the lowest resolution, which sees all that the "
            "shorter paths see",
        ),
    )
