"""Semantic segmentation: DeepLabv3, FCN or LR-ASPP on a ResNet or MobileNetV3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from archscope.blocks import residual_plan
from archscope.blocks.examples import images_in_words
from archscope.errors import SpecError
from archscope.families.mobilenet import spec as mobilenet
from archscope.families.mobilenet.spec import MobileNetSpec
from archscope.families.resnet import spec as resnet
from archscope.families.resnet.spec import ResNetSpec
from archscope.records import frozen
from archscope.specs import check, listed, option

Part = residual_plan.Block | mobilenet.Part
BACKBONE = "backbone."
RESNETS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}
LOW = 4
"""The number of MobileNetV3's block of stride 8, which feeds the lower branch and the auxiliary
head; of a ResNet it is the third stage that feeds the auxiliary head."""


@frozen
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


def blocks(spec: SegmentationSpec) -> Iterator[Part]:
    """Yield the blocks of the backbone."""
    under: Iterator[Part]
    if spec.backbone in RESNETS:
        under = resnet.blocks(resnet_spec(spec))
    else:
        under = mobilenet.blocks(mobilenet_spec(spec), dilated=True)
    for block in under:
        yield replace(block, path=f"{BACKBONE}{block.path}")


def describe(spec: SegmentationSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = [f"{spec.head} on {spec.backbone}", f"output stride {spec.output_stride}"]
    if spec.head == "deeplabv3":
        words.append(f"rates {listed(spec.rates)}")
    if spec.auxiliary:
        words.append("auxiliary head")
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
