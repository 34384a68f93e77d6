"""What a Conformer looks at: convolutions that leave out frames; blocks see all of them."""

from __future__ import annotations

from archscope.blocks.attention_outline import attention_outline
from archscope.families.conformer.spec import KERNEL, STRIDE, ConformerSpec, blocks
from archscope.theory.layers import conv
from archscope.theory.outline import Outline


def outline(spec: ConformerSpec) -> Outline:
    """Return what a frame of the blocks sees, before the first of them reads all frames."""
    first = f"{blocks(spec)[0].path}.self_attn"
    if not spec.strides:
        return attention_outline(blocks(spec), causal=False, tokens=spec.input_size)
    step = 3 if spec.subsampling_conv == "depthwise-separable" else 2
    numbers = [0, *range(2, 2 + step * (spec.strides - 1), step)]
    return Outline(
        axes=1,
        layers=tuple(
            conv(KERNEL, stride=STRIDE, padding=KERNEL // 2, name=f"pre_encode.conv.{number}")
            for number in numbers
        ),
        input_size=spec.input_size,
        output="pre_encode.conv",
        reads_all=first,
        remarks=(
            "the table is of a frame of pre_encode along time; the first block's attention reads "
            f"all frames, and its convolution over {spec.kernel_size} of them sees no more",
        ),
    )
