"""What a ConvNeXt looks at: its convolutions as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.plan import lists
from archscope.blocks.residual_plan import residual_outline
from archscope.families.convnext.spec import KERNEL, STEM, ConvNextSpec, blocks
from archscope.theory.layers import Layer, conv
from archscope.theory.outline import Outline


def layers(spec: ConvNextSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions along one axis."""
    yield conv(STEM, stride=STEM, padding=0, name="features.0.0")
    for number, stage in enumerate(lists(blocks(spec)).values()):
        if number:
            yield conv(2, stride=2, padding=0, name=f"features.{2 * number}.1")
        for block in stage:
            yield conv(KERNEL, name=f"{block.path}.depthwise")


def outline(spec: ConvNextSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    if spec.version == "v1":
        return residual_outline(layers(spec), spec.input_size)
    response = f"{next(blocks(spec)).path}.response_norm"
    remark = (
        f"{sum(spec.blocks)} global response normalisations, {response} the first of them, "
        "divide by norms over all positions: through them every output depends on all of the "
        "input, and the table is of the paths beside them"
    )
    return residual_outline(layers(spec), spec.input_size, reads_all=response, remarks=(remark,))
