"""What Conv-TasNet looks at: filters, dilated convolutions over frames, and filters back."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.residual_plan import residual_remark
from archscope.families.conv_tasnet.spec import ConvTasNetSpec, blocks
from archscope.theory.layers import Layer, conv, transposed
from archscope.theory.outline import Outline

FIRST_NORM = "mask_generator.input_norm"


def layers(spec: ConvTasNetSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions with more than one tap."""
    window, stride = spec.filter_length, spec.stride
    yield conv(window, stride=stride, padding=(stride, stride + spec.spare), name="encoder")
    for block in blocks(spec):
        yield conv(
            spec.kernel_size,
            dilation=block.dilation,
            padding="causal" if spec.causal else "same",
            name=f"{block.path}.depthwise",
        )
    yield transposed(window, stride=stride, padding=stride, name="decoder")


def outline(spec: ConvTasNetSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    stack = tuple(layers(spec))
    so_far = (
        f"{FIRST_NORM} and all norms behind it are over all frames so far, so that every output "
        "depends on all that came before; the table is of the convolutions beside them"
    )
    everything = (
        f"{FIRST_NORM} and all norms behind it are over all frames; the table is of the "
        "convolutions beside them"
    )
    return Outline(
        axes=1,
        layers=stack,
        input_size=spec.input_size,
        flag="--dilations",
        flagged=tuple(range(1, len(stack) - 1)),
        reads_all=FIRST_NORM if spec.norm == "global" else "",
        partial=so_far if spec.norm == "cumulative" else "",
        remarks=(
            residual_remark(stack[1:-1]),
            *((everything,) if spec.norm == "global" else ()),
        ),
    )
