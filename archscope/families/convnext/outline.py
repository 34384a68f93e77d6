"""What a ConvNeXt looks at: its convolutions as layers of one axis."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.plan import lists
from archscope.blocks.residual_plan import residual_remark
from archscope.families.convnext.spec import ConvNextSpec, blocks
from archscope.theory.layers import Layer, conv
from archscope.theory.outline import Outline


def layers(spec: ConvNextSpec) -> Iterator[Layer]:
    """Yield the path through all convolutions along one axis."""
    yield conv(spec.stem_stride, stride=spec.stem_stride, padding=0, name="features.0.0")
    for number, stage in enumerate(lists(blocks(spec)).values()):
        if number:
            yield conv(2, stride=2, padding=0, name=f"features.{2 * number}.1")
        for block in stage:
            yield conv(block.kernel, name=f"{block.path}.depthwise")


def outline(spec: ConvNextSpec) -> Outline:
    """Return what the network looks at: its longest path, which sees what all others see."""
    stack = tuple(layers(spec))
    remarks = [residual_remark(stack)]
    response = f"{next(blocks(spec)).path}.response_norm"
    if spec.version == "v2":
        remarks.append(
            f"{sum(spec.blocks)} global response normalisations, {response} the first of them, "
            "divide by norms over all positions: through them every output depends on all of the "
            "input, and the table is of the paths beside them"
        )
    return Outline(
        axes=2,
        layers=stack,
        input_size=spec.input_size,
        reads_all=response if spec.version == "v2" else "avgpool",
        remarks=tuple(remarks),
    )
