"""RegNet: bottlenecks of grouped convolutions whose widths follow a quantised line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import log

from archscope.blocks.examples import images_in_words
from archscope.blocks.inverted_residual_plan import rounded
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option

QUANTUM = 8
"""Widths are multiples of it, before they fit the groups."""
STEM = 32
"""Channels of the first convolution."""
WIDEST = 2**20


@frozen
class RegNetSpec:
    """The line that gives a RegNet its widths (Radosavovic et al. 2020, equations 2 to 4)."""

    depth: int = option(22, "number of blocks of all stages together", low=1, high=1000)
    initial_width: int = option(24, "width of the first block (w_0)", low=8, high=2**16)
    slope: float = option(24.48, "slope of the widths: channels per block (w_a)", low=0, high=2**12)
    width_ratio: float = option(
        2.54, "ratio of the widths of successive stages (w_m)", low=1.001, high=2**10
    )
    group_width: int = option(16, "channels in each group of a 3x3 convolution", low=1, high=2**16)
    squeeze_ratio: float = option(
        0.0, "squeezed channels, as a share of those of a block's input; 0: no "
        "squeeze-and-excitation (X)",
        low=0, high=1,
    )  # fmt: skip
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(1000, "number of classes", low=1, high=2**24)
    input_size: int = option(224, "height and width of the input, in pixels", low=1, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        widest = max(width for width, _ in stages(self))
        if widest > WIDEST:
            raise SpecError("slope", self.slope, f"makes {widest:,} channels; at most {WIDEST:,}")


@frozen
class Block:
    """Convolutions of 1x1, 3x3 in groups and 1x1, and a path around them."""

    path: str
    """Where it stands in the network, e.g. `trunk_output.block1.0`."""
    in_channels: int
    """Channels of its input."""
    out_channels: int
    """Channels of all its convolutions and of its output."""
    groups: int
    """Groups of channels of the 3x3 convolution."""
    stride: int
    """Positions of the input from output to output."""
    squeezed: int
    """Channels within squeeze-and-excitation; 0: there is none."""

    @property
    def repeatable(self) -> bool:
        """Whether it returns the shape that it takes; else the path around it has a convolution."""
        return self.stride == 1 and self.in_channels == self.out_channels


def stages(spec: RegNetSpec) -> list[tuple[int, int]]:
    """Return the width and the blocks of each stage.

    A point of the line is rounded to a power of the ratio, that to a multiple of 8; widths are then
    made to fit the groups, as in the authors' code.
    """
    widths = [_quantised(spec, number) for number in range(spec.depth)]
    runs = [(width, len(list(run))) for width, run in groupby(widths)]
    return [(rounded(width, min(spec.group_width, width)), count) for width, count in runs]


def _quantised(spec: RegNetSpec, number: int) -> int:
    start = spec.initial_width
    power = round(log((start + spec.slope * number) / start) / log(spec.width_ratio))
    return round(start * spec.width_ratio**power / QUANTUM) * QUANTUM


def blocks(spec: RegNetSpec) -> Iterator[Block]:
    """Yield the blocks of all stages in order."""
    channels = STEM
    for stage, (width, count) in enumerate(stages(spec), start=1):
        for number in range(count):
            squeezed = round(spec.squeeze_ratio * channels)
            yield Block(
                path=f"trunk_output.block{stage}.{number}",
                in_channels=channels,
                out_channels=width,
                groups=width // min(spec.group_width, width),
                stride=2 if number == 0 else 1,
                squeezed=max(squeezed, 1) if spec.squeeze_ratio else 0,
            )
            channels = width


def describe(spec: RegNetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    found = stages(spec)
    return [
        f"regnet {'y' if spec.squeeze_ratio else 'x'}",
        f"blocks {listed([count for _, count in found])}",
        f"widths {listed([width for width, _ in found])}",
        f"groups of {spec.group_width}",
        f"{spec.classes} classes",
        images_in_words(spec),
    ]
