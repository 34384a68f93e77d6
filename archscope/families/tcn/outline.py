"""What a TCN looks at: its convolutions as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.residual_plan import residual_outline
from archscope.families.tcn.spec import TcnSpec
from archscope.theory.layers import Layer, conv
from archscope.theory.outline import Outline


def layers(spec: TcnSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions."""
    for level in range(spec.levels):
        for number in (1, 2):
            name = f"network.{level}.conv{number}"
            yield conv(spec.kernel_size, dilation=2**level, padding="causal", name=name)


def outline(spec: TcnSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    last = ("the linear layer reads the last position alone",) if spec.reads == "last" else ()
    return residual_outline(layers(spec), spec.input_size, axes=1, reads_all="", remarks=last)
