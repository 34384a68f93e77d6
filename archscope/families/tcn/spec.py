"""TCN: residual blocks of two causal dilated convolutions with normalised weights."""

from __future__ import annotations

from typing import Literal

from archscope.records import frozen
from archscope.specs import check, option


@frozen
class TcnSpec:
    """The shape of a temporal convolutional network (Bai, Kolter & Koltun 2018, section 3)."""

    levels: int = option(
        8,
        "number of residual blocks; each has twice the dilation of the one before",
        low=1,
        high=24,
    )
    kernel_size: int = option(7, "kernel size of every convolution", low=1, high=2**10)
    hidden_channels: int = option(25, "channels of every convolution", low=1, high=2**16)
    in_channels: int = option(1, "channels of the input", low=1, high=2**20)
    classes: int = option(10, "outputs of the linear layer", low=1, high=2**24)
    reads: Literal["last", "each"] = option(
        "last", "whether the linear layer reads only the last position, or each position separately"
    )
    input_size: int = option(784, "length of the input, in positions", low=1, high=2**24)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)


def describe(spec: TcnSpec) -> tuple[str, ...]:
    """Return what tells it from others, in words."""
    return (
        "tcn",
        f"{spec.levels} levels",
        f"kernel {spec.kernel_size}",
        f"channels {spec.hidden_channels}",
        f"{spec.classes} outputs of {spec.reads} position",
        f"input {spec.in_channels}×{spec.input_size:,}",
        f"batch {spec.batch_size}",
    )
