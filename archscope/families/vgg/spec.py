"""VGG: convolutions of 3x3, a pool after each stage, and three linear layers."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from archscope.errors import SpecError
from archscope.families._assembly import images_in_words
from archscope.specs import check, listed, option
from archscope.theory.layers import Layer, conv, pool
from archscope.theory.outline import Outline

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class VggSpec:
    """The shape of a VGG network (Simonyan & Zisserman 2015, table 1)."""

    convolutions: tuple[int, ...] = option(
        (1, 1, 2, 2, 2), "convolutions of each stage, a pool after each", low=1, high=1000
    )
    channels: tuple[int, ...] = option(
        (64, 128, 256, 512, 512), "output channels of each stage", low=1, high=2**20
    )
    norm: Literal["none", "batchnorm"] = option("none", "normalisation after each convolution")
    d_ff: int = option(4096, "features of the two hidden linear layers", low=1, high=2**24)
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "outputs of the classifier", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input", low=1, high=2**16)
    batch_size: int = option(1, "number of inputs", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if len(self.channels) != len(self.convolutions):
            stages = len(self.convolutions)
            problem = f"gives {len(self.channels)} stages for {{convolutions}} of {stages}"
            raise SpecError("channels", listed(self.channels), problem)
        if self.input_size < 2 ** len(self.channels):
            problem = f"is too small: {len(self.channels)} pools halve it"
            raise SpecError("input_size", self.input_size, problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A convolution or a pool, and the number that it has in `features`."""

    number: int
    """Its number in the sequence of convolutions, norms, activations and pools."""
    in_channels: int
    """Channels of its input."""
    out_channels: int
    """Channels of its output."""
    is_pool: bool
    """Whether it is a pool."""


def places(spec: VggSpec) -> Iterator[Place]:
    """Yield the convolutions and pools in order."""
    number, channels = 0, spec.in_channels
    for count, out in zip(spec.convolutions, spec.channels, strict=True):
        for _ in range(count):
            yield Place(number=number, in_channels=channels, out_channels=out, is_pool=False)
            number += 2 if spec.norm == "none" else 3  # the norm and the activation follow
            channels = out
        yield Place(number=number, in_channels=channels, out_channels=out, is_pool=True)
        number += 1


def layers(spec: VggSpec) -> Iterator[Layer]:
    """Yield the convolutions and pools along one axis."""
    for place in places(spec):
        name = f"features.{place.number}"
        yield pool(2, name=name) if place.is_pool else conv(3, name=name)


def outline(spec: VggSpec) -> Outline:
    """Return what the network looks at."""
    return Outline(
        axes=2, layers=tuple(layers(spec)), input_size=spec.input_size, reads_all="classifier"
    )


def build(spec: VggSpec, without: Set[str]) -> nn.Module:
    """Build the network; no blocks are left out."""
    from archscope.families.vgg.network import Vgg

    return Vgg(spec, tuple(places(spec)))


def describe(spec: VggSpec) -> str:
    """Return the spec in one line."""
    words = [
        "vgg",
        f"convolutions {listed(spec.convolutions)}",
        f"channels {listed(spec.channels)}",
    ]
    if spec.norm != "none":
        words.append(spec.norm)
    if spec.d_ff != 4096:
        words.append(f"d_ff {spec.d_ff:,}")
    return " · ".join([*words, f"{spec.classes} classes", images_in_words(spec)])
