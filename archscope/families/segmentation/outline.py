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
    FINE,
    MIDDLE,
    MOBILENETS,
    RESNETS,
    SegmentationSpec,
    blocks,
    mobilenet_spec,
    resnet_spec,
    xception_spec,
)
from archscope.families.separable_residual.outline import layers as xception_layers
from archscope.theory.layers import Layer, Stack, conv
from archscope.theory.outline import Branch, Outline


def backbone_layers(spec: SegmentationSpec) -> Iterator[Layer]:
    """Yield the backbone's longest path along one axis."""
    if spec.backbone in RESNETS:
        found = resnet_layers(resnet_spec(spec))
    elif spec.backbone in MOBILENETS:
        found = mobilenet_layers(
            mobilenet_spec(spec),
            output_stride=spec.output_stride,
            last=spec.backbone != "mobilenet-v2",
        )
    else:
        found = xception_layers(xception_spec(spec))
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
            f"that of the finer path from {BACKBONE}features.{MIDDLE[spec.backbone]}, which sees "
            "less",
            remarks=remarks,
        )
    if spec.head == "fcn":
        layers = (*body, conv(3, name="classifier.0"), conv(1, name="classifier.4"))
        return Outline(
            axes=2,
            layers=layers,
            input_size=spec.input_size,
            output="classifier",
            reads_all=squeeze,
            remarks=(*remarks, _resized(spec)),
        )
    plus = spec.head == "deeplabv3plus"
    aspp = "classifier.aspp" if plus else "classifier.0"
    return Outline(
        axes=2,
        branches=tuple(_branches(spec, body, aspp)),
        input_size=spec.input_size,
        output=aspp if plus else "classifier",
        reads_all=squeeze or f"{aspp}.convs.{len(spec.rates) + 1}",
        partial=_decoder(spec) if plus else "",
        remarks=remarks if plus else (*remarks, _resized(spec)),
    )


def _resized(spec: SegmentationSpec) -> str:
    return (
        f"the output is resized to the input's {spec.input_size} positions along each axis; the "
        "table is of one position before that"
    )


def _decoder(spec: SegmentationSpec) -> str:
    return (
        "the table is of the pyramid's map: a decoder resizes it, puts it beside the map of stride "
        f"4 from {BACKBONE}{FINE[spec.backbone]} and goes on with {spec.decoder_layers} layers of "
        "3×3"
    )


def _branches(spec: SegmentationSpec, body: Stack, aspp: str) -> Iterator[Branch]:
    after: Stack = (conv(1, name=f"{aspp}.project.0"),)
    if spec.head == "deeplabv3":
        after += (conv(3, name="classifier.1"), conv(1, name="classifier.4"))
    for number, rate in enumerate((0, *spec.rates)):
        kernel, name = (3, f"rate {rate}") if rate else (1, "1×1")
        path = f"{aspp}.convs.{number}.0"
        layer = conv(kernel, dilation=rate or 1, name=path)
        within: Stack = (layer,)
        if rate and spec.separable:
            within = (replace(layer, name=f"{path}.depthwise"), conv(1, name=f"{path}.pointwise"))
        yield Branch(name=name, stack=(*body, *within, *after))
