"""What a WaveNet looks at: its causal convolutions."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.residual_plan import residual_outline
from archscope.families.wavenet.spec import WaveNetSpec, blocks
from archscope.theory.layers import Layer, conv
from archscope.theory.outline import Outline


def layers(spec: WaveNetSpec) -> Iterator[Layer]:
    """Yield the path through all causal convolutions."""
    yield conv(spec.kernel_size, padding="causal", name="causal")
    for block in blocks(spec):
        name = f"{block.path}.dilated"
        yield conv(spec.kernel_size, dilation=block.dilation, padding="causal", name=name)


def outline(spec: WaveNetSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    remark = (
        "the skips of all blocks are added up: the table is of the last block's, which sees "
        "all that the others see"
    )
    return residual_outline(layers(spec), spec.input_size, axes=1, reads_all="", remarks=(remark,))
