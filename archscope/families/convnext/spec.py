"""ConvNeXt V1 and V2: depthwise convolutions of 7x7, pointwise layers of four times the width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.blocks.plan import Step
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option

STAGES = 4
STEM = 4
"""Taps and stride of the first convolution."""
EXPANSION = 4
"""Channels within a block over those of its input."""
KERNEL = 7
"""Taps of a depthwise convolution along each axis."""


@frozen
class ConvNextSpec:
    """The shape of a ConvNeXt (Liu et al. 2022, section 2; V2: Woo et al. 2023)."""

    version: Literal["v1", "v2"] = option(
        "v1", "v1: layer scale in each block; v2: global response normalisation in each block"
    )
    blocks: tuple[int, ...] = option(
        (3, 3, 9, 3), "number of blocks of each of the four stages", low=1, high=1000
    )
    channels: tuple[int, ...] = option(
        (96, 192, 384, 768), "channels of each of the four stages", low=1, high=2**16
    )
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input, in pixels", low=32, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        for field in ("blocks", "channels"):
            items = getattr(self, field)
            if len(items) != STAGES:
                raise SpecError(field, listed(items), "is not a list of 4 stages")


def blocks(spec: ConvNextSpec) -> Iterator[Step]:
    """Yield the blocks of all stages; a layer that halves the size stands between two stages."""
    for stage, (count, channels) in enumerate(zip(spec.blocks, spec.channels, strict=True)):
        for number in range(count):
            path = f"features.{2 * stage + 1}.{number}"
            yield Step(path=path, in_channels=channels, out_channels=channels)


def describe(spec: ConvNextSpec) -> tuple[str, ...]:
    """Return what tells it from others, in words."""
    return (
        f"convnext {spec.version}",
        f"blocks {listed(spec.blocks)}",
        f"channels {listed(spec.channels)}",
        f"{spec.classes} classes",
        images_in_words(spec),
    )
