"""U-Net: a path down and a path up, joined at each resolution."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from archscope.errors import SpecError
from archscope.families._assembly import images_in_words
from archscope.specs import check, option
from archscope.theory.layers import Layer, conv, linear, nearest, pool, transposed
from archscope.theory.outline import Outline

if TYPE_CHECKING:
    from torch import nn

CONVOLUTIONS = 2
"""Convolutions of 3x3 at each resolution, on either path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnetSpec:
    """The shape of a U-Net (Ronneberger, Fischer & Brox 2015, figure 1)."""

    levels: int = option(5, "resolutions, each half of the one before", low=2, high=20)
    stem_channels: int = option(
        64, "channels of the first resolution; each further one doubles them", low=2, high=2**16
    )
    padding: Literal["same", "valid"] = option(
        "valid", "zeros around each convolution's input, or none as published"
    )
    upsampling: Literal["transposed", "bilinear", "nearest"] = option(
        "transposed", "a transposed convolution of 2x2 that halves the channels, or resizing alone"
    )
    norm: Literal["none", "batchnorm"] = option("none", "normalisation after each convolution")
    in_channels: int = option(1, "channels of the input", low=1, high=2**20)
    classes: int = option(2, "classes of a position", low=1, high=2**24)
    input_size: int = option(572, "height and width of the input", low=1, high=2**16)
    batch_size: int = option(1, "number of inputs", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if self.upsampling != "transposed" and self.stem_channels % 2:
            problem = "is odd, and {upsampling} by resizing halves it"
            raise SpecError("stem_channels", self.stem_channels, problem)
        if not _fits(self, self.input_size):
            sizes = range(self.input_size + 1, self.input_size + 2 ** (self.levels + 5))
            near = next(size for size in sizes if _fits(self, size))
            problem = f"cannot be halved {self.levels - 1} times without a rest. Nearest: {near}"
            raise SpecError("input_size", self.input_size, problem)


def _fits(spec: UnetSpec, size: int) -> bool:
    lost = 2 * CONVOLUTIONS if spec.padding == "valid" else 0
    for _ in range(spec.levels - 1):
        size -= lost
        if size < 2 or size % 2:
            return False
        size //= 2
    size -= lost
    for _ in range(spec.levels - 1):
        size = 2 * size - lost
    return size > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Double:
    """Two convolutions of 3x3."""

    in_channels: int
    """Channels of its input."""
    within: int
    """Channels between the two."""
    out_channels: int
    """Channels of its output."""


def down(spec: UnetSpec) -> tuple[Double, ...]:
    """Return the convolutions of the path down, the lowest resolution last."""
    found, channels = [], spec.in_channels
    for level in range(spec.levels):
        out = spec.stem_channels * 2**level
        if level == spec.levels - 1 and spec.upsampling != "transposed":
            out //= 2  # resizing leaves the channels as they are
        found.append(Double(in_channels=channels, within=out, out_channels=out))
        channels = out
    return tuple(found)


def up(spec: UnetSpec) -> tuple[Double, ...]:
    """Return the convolutions of the path up, the lowest resolution first; they read both paths."""
    found = []
    for level in reversed(range(spec.levels - 1)):
        channels = spec.stem_channels * 2**level
        halves = spec.upsampling != "transposed" and level > 0
        out = channels // 2 if halves else channels
        found.append(Double(in_channels=2 * channels, within=channels, out_channels=out))
    return tuple(found)


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


def build(spec: UnetSpec, without: Set[str]) -> nn.Module:
    """Build the network; no blocks are left out."""
    from archscope.families.u_net.network import Unet

    return Unet(spec, down(spec), up(spec))


def describe(spec: UnetSpec) -> str:
    """Return the spec in one line."""
    highest = spec.stem_channels * 2 ** (spec.levels - 1)
    words = [
        f"u-net {spec.padding}",
        f"{spec.levels} levels of {spec.stem_channels} to {highest} channels",
        f"{spec.upsampling} up-sampling",
    ]
    if spec.norm != "none":
        words.append(spec.norm)
    return " · ".join([*words, f"{spec.classes} classes", images_in_words(spec)])
