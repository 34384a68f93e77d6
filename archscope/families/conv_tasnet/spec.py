"""Conv-TasNet: sources of a mixture, separated by masks from dilated convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.checks import check_even, check_odd
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option

LIST = "mask_generator.conv_layers"
"""Where the blocks stand."""


@frozen
class ConvTasNetSpec:
    """The shape of a Conv-TasNet (Luo & Mesgarani 2019, table I); the default is its best."""

    sources: int = option(2, "number of sources to separate", low=1, high=2**10)
    filters: int = option(512, "filters of the encoder (N)", low=1, high=2**20)
    filter_length: int = option(
        16, "samples of a filter (L); half of it is the stride", low=2, high=2**20
    )
    bottleneck_channels: int = option(
        128, "channels between blocks, and of the skip connections (B, Sc)", low=1, high=2**20
    )
    hidden_channels: int = option(512, "channels within a block (H)", low=1, high=2**20)
    kernel_size: int = option(3, "kernel size of each depthwise convolution (P)", low=1, high=2**16)
    dilations: tuple[int, ...] = option(
        (1, 2, 4, 8, 16, 32, 64, 128), "dilation of each block of a stack",
        low=1, high=2**24,
    )  # fmt: skip
    stacks: int = option(3, "how often the dilations are repeated (R)", low=1, high=10_000)
    norm: Literal["global", "cumulative", "batchnorm"] = option(
        "global",
        "norm over channels and all time (gLN), over channels and past time (cLN), or batch norm",
    )
    causal: bool = option(False, "read only past frames")
    last_residual: bool = option(
        True, "a residual output of the last block, which nothing reads (torchaudio: none)"
    )
    mask: Literal["sigmoid", "relu"] = option("sigmoid", "activation of the masks")
    input_size: int = option(32_000, "length of the input, in samples", low=1, high=2**24)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        check_even("filter_length", self.filter_length, ": half of it is the stride")
        if not self.dilations:
            raise SpecError("dilations", (), "has no items. Give at least one, e.g. 1,2,4")
        if self.causal and self.norm == "global":
            raise SpecError(
                "causal", True, "is impossible with {norm} global, which reads the future"
            )
        if not self.causal:
            check_odd("kernel_size", self.kernel_size, ": the residual path is read at its middle")

    @property
    def stride(self) -> int:
        """Samples from frame to frame."""
        return self.filter_length // 2

    @property
    def spare(self) -> int:
        """Zeros after the input, so that frames come out whole; cut off the output again."""
        return -self.input_size % self.stride


@frozen
class Block:
    """A dilated depthwise convolution between two pointwise ones."""

    path: str
    """Where it stands in the network."""
    dilation: int
    """Frames from tap to tap."""
    residual: bool
    """Whether something goes from it to the next block."""
    repeatable: bool
    """Whether it adds to both what goes on and the skips of blocks before it."""


def blocks(spec: ConvTasNetSpec) -> Iterator[Block]:
    """Yield the blocks of all stacks in order."""
    dilations = spec.dilations * spec.stacks
    for number, dilation in enumerate(dilations):
        residual = spec.last_residual or number + 1 < len(dilations)
        yield Block(
            path=f"{LIST}.{number}",
            dilation=dilation,
            residual=residual,
            repeatable=residual and number > 0,
        )


def describe(spec: ConvTasNetSpec) -> Iterator[str]:
    """Yield what tells it from others, in words."""
    yield "conv-tasnet"
    yield f"{spec.sources} sources"
    yield f"{spec.filters} filters of {spec.filter_length}"
    yield f"dilations {listed(spec.dilations)} × {spec.stacks}"
    yield f"kernel {spec.kernel_size}"
    yield f"channels {spec.bottleneck_channels}, {spec.hidden_channels} within"
    yield f"{spec.norm} norm" + (", causal" if spec.causal else "")
    if not spec.last_residual:
        yield "no last residual"
    yield f"input {spec.input_size:,} samples"
    yield f"batch {spec.batch_size}"
