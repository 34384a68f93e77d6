"""SqueezeNet: fire modules, pointwise convolutions that squeeze before those that expand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option

FIRES = 8
STEMS = {"1.0": (7, 96), "1.1": (3, 64)}
"""Kernel and channels of the first convolution, whose stride is 2."""
POOLS = {"1.0": (0, 3, 7), "1.1": (0, 2, 4)}
"""Fire modules before each pool."""
SMALLEST = {"1.0": 21, "1.1": 17}
"""The smallest inputs that leave the last pool a window."""


@frozen
class SqueezeNetSpec:
    """The shape of a SqueezeNet (Iandola et al. 2016, tables 1 and 2)."""

    version: Literal["1.0", "1.1"] = option(
        "1.0",
        "1.0: as published; 1.1: starts with a 3x3 convolution and pools earlier, 2.4 "
        "times less work",
    )
    expand_channels: int = option(
        128, "output channels of the first two fire modules", low=2, high=2**16
    )
    expand_step: int = option(
        128, "increase of the channels after every two fire modules", low=0, high=2**16
    )
    squeeze_ratio: float = option(
        0.125, "channels of the squeeze layer, as a share of those of the output", low=0.001, high=1
    )
    share_3x3: float = option(
        0.5, "share of a fire module's output channels that come from 3x3 convolutions",
        low=0.001, high=0.999,
    )  # fmt: skip
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if self.input_size < SMALLEST[self.version]:
            problem = f"leaves the last pool no window; {SMALLEST[self.version]} or more"
            raise SpecError("input_size", self.input_size, problem)
        for fire in (place for place in places(self) if place.kind == "fire"):
            if not (fire.squeezed and fire.wide and fire.pointwise):
                problem = f"leaves no channels in {fire.path} of {fire.out_channels}"
                field = "share_3x3" if fire.squeezed else "squeeze_ratio"
                raise SpecError(field, getattr(self, field), problem)


@frozen
class Place:
    """What stands in one place of the features."""

    path: str
    """Where it stands in the network, e.g. `features.3`."""
    kind: Literal["convolution", "activation", "pool", "fire"]
    """What stands there."""
    in_channels: int
    """Channels of its input."""
    out_channels: int
    """Channels of its output."""
    squeezed: int = 0
    """Channels within a fire module."""
    wide: int = 0
    """Output channels of a fire module that a convolution of 3x3 makes."""

    @property
    def pointwise(self) -> int:
        """Output channels of a fire module that a convolution of 1x1 makes."""
        return self.out_channels - self.wide

    @property
    def repeatable(self) -> bool:
        """Whether it returns the shape that it takes."""
        return self.kind in ("fire", "activation") and self.in_channels == self.out_channels


def places(spec: SqueezeNetSpec) -> Iterator[Place]:
    """Yield all layers and fire modules before the classifier, in order."""
    _, channels = STEMS[spec.version]
    yield Place(
        path="features.0", kind="convolution", in_channels=spec.in_channels, out_channels=channels
    )
    yield Place(path="features.1", kind="activation", in_channels=channels, out_channels=channels)
    number = 2
    for fires in range(FIRES):
        if fires in POOLS[spec.version]:
            yield Place(
                path=f"features.{number}", kind="pool", in_channels=channels, out_channels=channels
            )
            number += 1
        out = spec.expand_channels + spec.expand_step * (fires // 2)
        yield Place(
            path=f"features.{number}",
            kind="fire",
            in_channels=channels,
            out_channels=out,
            squeezed=int(out * spec.squeeze_ratio),
            wide=int(out * spec.share_3x3),
        )
        channels, number = out, number + 1


def describe(spec: SqueezeNetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    *_, last = places(spec)
    words = [
        f"squeezenet {spec.version}",
        f"{spec.expand_channels} to {last.out_channels} channels",
    ]
    if spec.squeeze_ratio != 0.125:
        words.append(f"squeeze ratio {spec.squeeze_ratio:g}")
    if spec.share_3x3 != 0.5:
        words.append(f"{spec.share_3x3:.0%} of 3×3")
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
