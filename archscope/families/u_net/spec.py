"""U-Net: a path down and a path up, joined at each resolution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.examples import images_in_words
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option

CONVOLUTIONS = 2
"""Convolutions of 3x3 at each resolution, on either path."""


@frozen
class UnetSpec:
    """The shape of a U-Net (Ronneberger, Fischer & Brox 2015, figure 1)."""

    levels: int = option(5, "number of resolutions, each half of the one before", low=2, high=20)
    stem_channels: int = option(
        64, "channels of the first resolution; each later one doubles them", low=2, high=2**16
    )
    padding: Literal["same", "valid"] = option(
        "valid",
        "padding of each convolution: zeros that keep the size (same), or none as "
        "published (valid)",
    )
    upsampling: Literal["transposed", "bilinear", "nearest"] = option(
        "transposed", "a 2x2 transposed convolution that halves the channels, or only interpolation"
    )
    norm: Literal["none", "batchnorm"] = option("none", "normalisation after each convolution")
    in_channels: int = option(1, "channels of the input", low=1, high=2**20)
    classes: int = option(2, "number of classes of a position", low=1, high=2**24)
    input_size: int = option(572, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

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


@frozen
class Double:
    """Two convolutions of 3x3."""

    in_channels: int
    """Channels of its input."""
    within: int
    """Channels between the two."""
    out_channels: int
    """Channels of its output."""


def down(spec: UnetSpec) -> Iterator[Double]:
    """Yield the convolutions of the path down, the lowest resolution last."""
    channels = spec.in_channels
    for level in range(spec.levels):
        out = spec.stem_channels * 2**level
        if level == spec.levels - 1 and spec.upsampling != "transposed":
            out //= 2  # resizing leaves the channels as they are
        yield Double(in_channels=channels, within=out, out_channels=out)
        channels = out


def up(spec: UnetSpec) -> Iterator[Double]:
    """Yield the convolutions of the path up, the lowest resolution first; they read both paths."""
    for level in reversed(range(spec.levels - 1)):
        channels = spec.stem_channels * 2**level
        halves = spec.upsampling != "transposed" and level > 0
        out = channels // 2 if halves else channels
        yield Double(in_channels=2 * channels, within=channels, out_channels=out)


def describe(spec: UnetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    highest = spec.stem_channels * 2 ** (spec.levels - 1)
    words = [
        f"u-net {spec.padding}",
        f"{spec.levels} levels of {spec.stem_channels} to {highest} channels",
        f"{spec.upsampling} up-sampling",
    ]
    if spec.norm != "none":
        words.append(spec.norm)
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
