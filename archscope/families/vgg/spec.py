"""VGG: convolutions of 3x3, a pool after each stage, and three linear layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.blocks.plan import Step
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option

POOLED = 7
"""Positions along each axis that the linear layers read; an input of 224 x 224 leaves as many."""


@frozen
class VggSpec:
    """The shape of a VGG network (Simonyan & Zisserman 2015, table 1)."""

    convolutions: tuple[int, ...] = option(
        (1, 1, 2, 2, 2),
        "number of convolutions of each stage; a pool follows each stage",
        low=1,
        high=1000,
    )
    channels: tuple[int, ...] = option(
        (64, 128, 256, 512, 512), "output channels of each stage", low=1, high=2**20
    )
    norm: Literal["none", "batchnorm"] = option("none", "normalisation after each convolution")
    d_ff: int = option(
        4096, "width of the two hidden linear layers, in features", low=1, high=2**24
    )
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if len(self.channels) != len(self.convolutions):
            stages = len(self.convolutions)
            problem = f"gives {len(self.channels)} stages for {{convolutions}} of {stages}"
            raise SpecError("channels", listed(self.channels), problem)
        if self.input_size < 2 ** len(self.channels):
            problem = f"is too small: {len(self.channels)} pools halve it"
            raise SpecError("input_size", self.input_size, problem)


def places(spec: VggSpec) -> Iterator[Step]:
    """Yield all layers but the linear ones, in order."""
    channels = spec.in_channels
    for number, (kind, out) in enumerate(_kinds(spec)):
        path, stride = f"features.{number}", 2 if kind == "pool" else 1
        yield Step(path=path, kind=kind, in_channels=channels, out_channels=out, stride=stride)
        channels = out


def _kinds(spec: VggSpec) -> Iterator[tuple[str, int]]:
    """Yield what stands in each place, and the channels of its output."""
    after = ("norm", "activation") if spec.norm == "batchnorm" else ("activation",)
    for count, channels in zip(spec.convolutions, spec.channels, strict=True):
        for kind in (*("convolution", *after) * count, "pool"):
            yield kind, channels


def describe(spec: VggSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = [
        "vgg",
        f"convolutions {listed(spec.convolutions)}",
        f"channels {listed(spec.channels)}",
    ]
    if spec.norm != "none":
        words.append(spec.norm)
    if spec.d_ff != 4096:
        words.append(f"d_ff {spec.d_ff:,}")
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
