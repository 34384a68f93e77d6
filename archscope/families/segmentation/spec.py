"""Semantic segmentation: DeepLabv3, FCN or LR-ASPP on a ResNet or MobileNetV3."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from archscope.blocks import alike as _alike
from archscope.blocks import inverted_residual_spec
from archscope.blocks.residual_spec import residual_remark
from archscope.errors import SpecError
from archscope.families._assembly import images_in_words, kept
from archscope.families.mobilenet import spec as mobilenet
from archscope.families.mobilenet.spec import MobileNetSpec
from archscope.families.resnet import spec as resnet
from archscope.families.resnet.spec import ResNetSpec
from archscope.specs import check, listed, option
from archscope.subject import Repeat
from archscope.theory.layers import Layer, Stack, conv
from archscope.theory.outline import Branch, Outline

if TYPE_CHECKING:
    from torch import nn

BACKBONE = "backbone."
RESNETS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}
LOW = 4
"""The number of MobileNetV3's block of stride 8, which feeds the lower branch and the auxiliary
head; of a ResNet it is the third stage that feeds the auxiliary head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationSpec:
    """A head for semantic segmentation and the network under it."""

    head: Literal["deeplabv3", "fcn", "lraspp"] = option(
        "deeplabv3", "parallel dilated convolutions, a convolution of 3x3, or two resolutions"
    )
    backbone: Literal["resnet50", "resnet101", "mobilenet-v3-large"] = option(
        "resnet50", "the network under the head"
    )
    output_stride: int = option(
        8, "input positions from output to output of the backbone: of a ResNet 8, 16 or 32, of "
        "MobileNetV3 16", low=8, high=32,
    )  # fmt: skip
    rates: tuple[int, ...] = option(
        (12, 24, 36), "dilations of the parallel convolutions of deeplabv3", low=1, high=1024
    )
    auxiliary: bool = option(False, "a second head on an earlier map, for training")
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(21, "classes of a position", low=1, high=2**24)
    input_size: int = option(520, "height and width of the input", low=32, high=2**16)
    batch_size: int = option(1, "number of inputs", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if self.backbone in RESNETS:
            resnet_spec(self)
        elif self.output_stride != 16:
            problem = "is not 16, the only one for {backbone} mobilenet-v3-large"
            raise SpecError("output_stride", self.output_stride, problem)
        if self.head == "lraspp" and self.backbone in RESNETS:
            raise SpecError("head", self.head, "needs {backbone} mobilenet-v3-large")
        if self.head == "lraspp" and self.auxiliary:
            raise SpecError("auxiliary", True, "is not there with {head} lraspp")


def resnet_spec(spec: SegmentationSpec) -> ResNetSpec:
    """Return the ResNet under the head."""
    return ResNetSpec(
        block="bottleneck",
        blocks=RESNETS[spec.backbone],
        output_stride=spec.output_stride,
        in_channels=spec.in_channels,
    )


def mobilenet_spec(spec: SegmentationSpec) -> MobileNetSpec:
    """Return the MobileNet under the head."""
    return MobileNetSpec(version="v3-large", in_channels=spec.in_channels)


def backbone_layers(spec: SegmentationSpec) -> Iterator[Layer]:
    """Yield the backbone's longest path along one axis."""
    if spec.backbone in RESNETS:
        found = resnet.layers(resnet_spec(spec))
    else:
        found = mobilenet.layers(mobilenet_spec(spec), dilated=True)
    for layer in found:
        yield replace(layer, name=f"{BACKBONE}{layer.name}")


def outline(spec: SegmentationSpec) -> Outline:
    """Return what the network looks at, before its output is resized to the input's size."""
    body = tuple(backbone_layers(spec))
    squeeze, remarks = _backbone_remarks(spec, body)
    resized = (
        f"the output is resized to the input's {spec.input_size} positions along each axis; the "
        "table is of one position before that"
    )
    if spec.head == "deeplabv3":
        return Outline(
            axes=2,
            branches=tuple(_branches(spec, body)),
            input_size=spec.input_size,
            reads_all=squeeze or "classifier.0.convs.4",
            remarks=(*remarks, resized),
        )
    if spec.head == "fcn":
        return Outline(
            axes=2,
            layers=(*body, conv(3, name="classifier.0"), conv(1, name="classifier.4")),
            input_size=spec.input_size,
            reads_all=squeeze,
            remarks=(*remarks, resized),
        )
    return Outline(
        axes=2,
        layers=(*body, conv(1, name="classifier.cbr.0"), conv(1, name="classifier.high")),
        input_size=spec.input_size,
        reads_all=squeeze,
        partial="the table is of the coarse path alone: its output is resized and added to that of "
        f"the finer path from {BACKBONE}{LOW}, which sees less",
        remarks=remarks,
    )


def _backbone_remarks(spec: SegmentationSpec, body: Stack) -> tuple[str, tuple[str, ...]]:
    if spec.backbone in RESNETS:
        return "", (residual_remark(body),)
    blocks = tuple(_mobilenet_blocks(spec))
    squeeze = inverted_residual_spec.reads_all(blocks, inside=BACKBONE)
    return squeeze, inverted_residual_spec.remarks(body, blocks, inside=BACKBONE)


def _mobilenet_blocks(spec: SegmentationSpec) -> Iterator[inverted_residual_spec.Block]:
    return mobilenet.blocks(mobilenet_spec(spec), dilated=True)


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


def repeats(spec: SegmentationSpec) -> tuple[Repeat, ...]:
    """Return the backbone's blocks that are alike."""
    if spec.backbone not in RESNETS:
        return ()
    return _alike.repeats(resnet.blocks(resnet_spec(spec)), inside=BACKBONE)


def build(spec: SegmentationSpec, without: Set[str]) -> nn.Module:
    """Build the network, the backbone's blocks in `without` left out."""
    from archscope.families.segmentation import network as networks

    if spec.backbone in RESNETS:
        under = resnet_spec(spec)
        inside = {path.removeprefix(BACKBONE) for path in without}
        body: networks.Backbone = networks.ResNetBackbone(under, kept(resnet.blocks(under), inside))
    else:
        small = mobilenet_spec(spec)
        body = networks.MobileNetBackbone(small, mobilenet.plan(small, dilated=True), low=LOW)
    return networks.Segmentation(spec, body)


def describe(spec: SegmentationSpec) -> str:
    """Return the spec in one line."""
    words = [f"{spec.head} on {spec.backbone}", f"output stride {spec.output_stride}"]
    if spec.head == "deeplabv3":
        words.append(f"rates {listed(spec.rates)}")
    if spec.auxiliary:
        words.append("auxiliary head")
    return " · ".join([*words, f"{spec.classes} classes", images_in_words(spec)])
