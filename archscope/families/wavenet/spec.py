"""WaveNet: causal dilated convolutions with gates, residual paths and skips to the output."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.records import frozen
from archscope.specs import check, listed, option


@frozen
class WaveNetSpec:
    """The shape of a WaveNet (van den Oord et al. 2016, section 2)."""

    dilations: tuple[int, ...] = option(
        (1, 2, 4, 8, 16, 32, 64, 128, 256, 512), "dilations of one stack", low=1, high=2**20
    )
    stacks: int = option(3, "how often the dilations are repeated", low=1, high=1000)
    kernel_size: int = option(2, "kernel size of every causal convolution", low=1, high=2**10)
    residual_channels: int = option(
        64, "channels of the residual path between blocks", low=1, high=2**16
    )
    dilation_channels: int = option(64, "channels of the gated activation", low=1, high=2**16)
    skip_channels: int = option(
        256, "channels of the skip connections to the output", low=1, high=2**16
    )
    classes: int = option(
        256, "number of values of a sample, in and out (quantisation levels)", low=1, high=2**20
    )
    input_size: int = option(16_000, "length of the input, in samples", low=1, high=2**24)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)


@frozen
class Block:
    """A gated causal convolution, with a path around it and a skip to the output."""

    path: str
    """Where it stands in the network, e.g. `blocks.0`."""
    dilation: int
    """Samples from tap to tap."""
    repeatable: bool
    """Whether it adds its skip to those of blocks before it, as all but the first do."""


def blocks(spec: WaveNetSpec) -> Iterator[Block]:
    """Yield the blocks of all stacks in order."""
    for number, dilation in enumerate(spec.dilations * spec.stacks):
        yield Block(path=f"blocks.{number}", dilation=dilation, repeatable=number > 0)


def describe(spec: WaveNetSpec) -> tuple[str, ...]:
    """Return what tells it from others, in words."""
    return (
        "wavenet",
        f"{len(spec.dilations) * spec.stacks} blocks",
        f"dilations {listed(spec.dilations)} × {spec.stacks}",
        f"kernel {spec.kernel_size}",
        f"channels {spec.residual_channels} residual, {spec.dilation_channels} dilated, "
        f"{spec.skip_channels} skip",
        f"input {spec.classes}×{spec.input_size:,}",
        f"batch {spec.batch_size}",
    )
