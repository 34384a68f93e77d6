"""Conformer: blocks of attention and depthwise convolution over frames of sound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.checks import check_divides, check_even
from archscope.blocks.plan import Numbered, numbered
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option

KERNEL, STRIDE = 3, 2
"""Taps and stride of each convolution that leaves out frames."""


@frozen
class ConformerSpec:
    """The shape of a Conformer (Gulati et al. 2020); the default is its S, encoder alone."""

    depth: int = option(16, "number of blocks", low=1, high=10_000)
    d_model: int = option(144, "width of the model, in features", low=1, high=2**20)
    heads: int = option(4, "number of heads", low=1, high=2**16)
    d_ff: int | None = option(
        None, "hidden width of a feed-forward layer (none: 4 d_model)", low=1, high=2**24
    )
    kernel_size: int = option(
        32, "kernel size of a block's depthwise convolution, in frames", low=1, high=2**16
    )
    positions: Literal["relative", "none"] = option(
        "relative", "relative positions in attention, as published, or none (torchaudio)"
    )
    conv_norm: Literal["batchnorm", "groupnorm"] = option(
        "batchnorm", "norm after the depthwise convolution; groupnorm is over all time"
    )
    bias: bool = option(True, "biases in the linear layers and convolutions of a block")
    subsampling: int = option(
        4, "input frames per frame of the blocks; 1: no subsampling convolutions",
        low=1, high=2**10,
    )  # fmt: skip
    subsampling_conv: Literal["standard", "depthwise-separable"] = option(
        "standard", "kind of the subsampling convolutions, from the second on"
    )
    subsampling_channels: int | None = option(
        None, "channels of the subsampling convolutions (none: d_model)",
        low=1, high=2**20,
    )  # fmt: skip
    features: int = option(80, "features of a frame, i.e. bins of its spectrum", low=1, high=2**20)
    head: Literal["none", "ctc", "transducer"] = option(
        "none", "ctc scores each frame; a transducer each pair of a frame and a prefix of the text"
    )
    classes: int = option(
        1024, "tokens that the head scores, including the blank", low=1, high=2**24
    )
    decoder_depth: int = option(1, "recurrent layers of a transducer", low=1, high=1000)
    decoder_dim: int = option(320, "units of a transducer's recurrent layers", low=1, high=2**20)
    embedding_dim: int = option(
        128, "width of a transducer's token embedding, in features", low=1, high=2**20
    )
    joint_dim: int = option(
        640, "width of a transducer's joint network, in features", low=1, high=2**20
    )
    target_len: int = option(32, "length of a transducer's text, in tokens", low=1, high=2**24)
    input_size: int = option(
        1000, "length of the input, in frames; 100 are one second", low=1, high=2**24
    )
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        check_divides("heads", self.heads, "d_model", self.d_model)
        if self.positions == "relative":
            check_even("d_model", self.d_model, ": half of what tells a distance are sines")
        if self.subsampling != 2**self.strides:
            near = f"{2**self.strides}, {2 ** (self.strides + 1)}"
            problem = f"is not a power of 2: each convolution halves the frames. Nearest: {near}"
            raise SpecError("subsampling", self.subsampling, problem)
        if not self.strides and self.features != self.d_model:
            problem = f"is not {{d_model}} {self.d_model}, which {{subsampling}} 1 asks for"
            raise SpecError("features", self.features, problem)

    @property
    def strides(self) -> int:
        """Convolutions before the blocks."""
        return self.subsampling.bit_length() - 1

    @property
    def channels(self) -> int:
        """Channels of these convolutions."""
        return self.subsampling_channels or self.d_model

    @property
    def bins(self) -> int:
        """Features that the convolutions leave of a frame's."""
        left = self.features
        for _ in range(self.strides):
            left = (left + 1) // STRIDE
        return left


def blocks(spec: ConformerSpec) -> list[Numbered]:
    """Return the blocks, which are all alike."""
    return numbered("layers", spec.depth)


def describe(spec: ConformerSpec) -> Iterator[str]:
    """Yield what tells it from others, in words."""
    yield "conformer" + ("" if spec.head == "none" else f" {spec.head}")
    yield f"depth {spec.depth}"
    yield f"d_model {spec.d_model}"
    yield f"{spec.heads} heads"
    if spec.d_ff:
        yield f"d_ff {spec.d_ff}"
    yield f"kernel {spec.kernel_size}"
    yield f"{spec.positions} positions"
    if spec.conv_norm != "batchnorm":
        yield spec.conv_norm
    if not spec.bias:
        yield "no biases"
    kind = "" if spec.subsampling_conv == "standard" else f" {spec.subsampling_conv}"
    yield f"every {spec.subsampling} frames{kind}" if spec.strides else "every frame"
    if spec.head != "none":
        yield f"{spec.classes:,} classes"
    yield f"input {spec.input_size:,}×{spec.features}" + (
        f" and {spec.target_len} tokens" if spec.head == "transducer" else ""
    )
    yield f"batch {spec.batch_size}"
