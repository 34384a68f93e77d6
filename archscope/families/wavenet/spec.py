"""WaveNet: causal dilated convolutions with gates, residual paths and skips to the output."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archscope.blocks.residual_spec import residual_remark
from archscope.specs import check, listed, option
from archscope.subject import Inputs
from archscope.theory.layers import Layer, conv
from archscope.theory.outline import Outline

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveNetSpec:
    """The shape of a WaveNet (van den Oord et al. 2016, section 2)."""

    dilations: tuple[int, ...] = option(
        (1, 2, 4, 8, 16, 32, 64, 128, 256, 512), "dilations of one stack", low=1, high=2**20
    )
    stacks: int = option(3, "how often the dilations are run through", low=1, high=1000)
    kernel_size: int = option(2, "taps of every causal convolution", low=1, high=2**10)
    residual_channels: int = option(64, "channels from block to block", low=1, high=2**16)
    dilation_channels: int = option(64, "channels of the gate", low=1, high=2**16)
    skip_channels: int = option(256, "channels of the skips to the output", low=1, high=2**16)
    classes: int = option(256, "values of a sample, in and out", low=1, high=2**20)
    input_size: int = option(16_000, "samples of the input", low=1, high=2**24)
    batch_size: int = option(1, "number of inputs", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)

    @property
    def blocks(self) -> tuple[int, ...]:
        """The dilation of every block."""
        return self.dilations * self.stacks


def layers(spec: WaveNetSpec) -> Iterator[Layer]:
    """Yield the path through all causal convolutions."""
    yield conv(spec.kernel_size, padding="causal", name="causal")
    for number, dilation in enumerate(spec.blocks):
        name = f"blocks.{number}.dilated"
        yield conv(spec.kernel_size, dilation=dilation, padding="causal", name=name)


def outline(spec: WaveNetSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    stack = tuple(layers(spec))
    return Outline(
        axes=1,
        layers=stack,
        input_size=spec.input_size,
        remarks=(
            residual_remark(stack),
            "the skips of all blocks are added up: the table is of the last block's, which sees "
            "all that the others see",
        ),
    )


def inputs(spec: WaveNetSpec) -> Inputs:
    """Return one batch of random features, where real samples are one-hot."""
    from archscope.blocks.examples import features

    return Inputs(args=(features(spec.batch_size, spec.classes, spec.input_size),))


def build(spec: WaveNetSpec, without: Set[str]) -> nn.Module:
    """Build the network; no blocks are left out, since their skips are added up outside of them."""
    from archscope.families.wavenet.network import WaveNet

    return WaveNet(spec)


def describe(spec: WaveNetSpec) -> str:
    """Return the spec in one line."""
    return " · ".join(
        (
            "wavenet",
            f"{len(spec.blocks)} blocks",
            f"dilations {listed(spec.dilations)} × {spec.stacks}",
            f"kernel {spec.kernel_size}",
            f"channels {spec.residual_channels} residual, {spec.dilation_channels} dilated, "
            f"{spec.skip_channels} skip",
            f"input {spec.classes}×{spec.input_size:,}",
            f"batch {spec.batch_size}",
        )
    )
