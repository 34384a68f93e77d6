"""What a segmentation network looks at: its backbone, and the branches of its head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks import inverted_residual_plan
from archscope.blocks.residual_plan import residual_remark
from archscope.families.mobilenet.outline import layers as mobilenet_layers
from archscope.families.resnet.outline import layers as resnet_layers
from archscope.families.segmentation.spec import (
    BACKBONE,
    LOW,
    RESNETS,
    SegmentationSpec,
    blocks,
    mobilenet_spec,
    resnet_spec,
)
from archscope.theory.layers import Layer, Stack, conv
from archscope.theory.outline import Branch, Outline


def backbone_layers(spec: SegmentationSpec) -> Iterator[Layer]:
    """Yield the backbone's longest path along one axis."""
    if spec.backbone in RESNETS:
        found = resnet_layers(resnet_spec(spec))
    else:
        found = mobilenet_layers(mobilenet_spec(spec), dilated=True)
    for layer in found:
        yield replace(layer, name=f"{BACKBONE}{layer.name}")


def outline(spec: SegmentationSpec) -> Outline:
    """Return what the network looks at, before its output is resized to the input's size."""
    body = tuple(backbone_layers(spec))
    plan = [block for block in blocks(spec) if isinstance(block, inverted_residual_plan.Block)]
    squeeze = inverted_residual_plan.reads_all(plan)
    remarks = (residual_remark(body), *inverted_residual_plan.squeeze_remarks(plan))
    if spec.head == "lraspp":
        return Outline(
            axes=2,
            layers=(*body, conv(1, name="classifier.cbr.0")),
            input_size=spec.input_size,
            output="classifier.cbr",
            reads_all=squeeze,
            partial="the table is of the coarse path alone: its output is resized and added to "
            f"that of the finer path from {BACKBONE}{LOW}, which sees less",
            remarks=remarks,
        )
    resized = (
        f"the output is resized to the input's {spec.input_size} positions along each axis; the "
        "table is of one position before that"
    )
    fcn = (*body, conv(3, name="classifier.0"), conv(1, name="classifier.4"))
    pools = spec.head == "deeplabv3"
    return Outline(
        axes=2,
        layers=() if pools else fcn,
        branches=tuple(_branches(spec, body)) if pools else (),
        input_size=spec.input_size,
        output="classifier",
        reads_all=squeeze or ("classifier.0.convs.4" if pools else ""),
        remarks=(*remarks, resized),
    )


def _branches(spec: SegmentationSpec, body: Stack) -> Iterator[Branch]:
    after = (
        conv(1, name="classifier.0.project.0"),
        conv(3, name="classifier.1"),
        conv(1, name="classifier.4"),
    )
    for number, rate in enumerate((0, *spec.rates)):
        kernel, name = (3, f"rate {rate}") if rate else (1, "1×1")
        within = conv(kernel, dilation=rate or 1, name=f"classifier.0.convs.{number}.0")
        yield Branch(name=name, stack=(*body, within, *after))
