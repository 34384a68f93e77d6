"""Semantic segmentation: DeepLabv3 and v3+, FCN or LR-ASPP on a ResNet, MobileNet or Xception."""

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
from archscope.families.separable_residual import spec as xception
from archscope.families.separable_residual.spec import XceptionSpec
from archscope.records import frozen
from archscope.specs import check, listed, option

Part = residual_plan.Block | mobilenet.Part | xception.Block
BACKBONE = "backbone."
RESNETS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}
MOBILENETS: dict[str, Literal["v2", "v3-large"]] = {
    "mobilenet-v2": "v2",
    "mobilenet-v3-large": "v3-large",
}
XCEPTIONS = {"xception41": 8, "xception65": 16}
"""Blocks of the middle flow (TensorFlow's deeplab, core/xception.py)."""
MIDDLE = {"mobilenet-v2": 6, "mobilenet-v3-large": 4}
"""The number of a MobileNet's last block of stride 8, in V3 the first: its map feeds the auxiliary
head and the lower branch; of a ResNet it is the third stage that feeds the auxiliary head."""
FINE = {"resnet50": "layer1", "resnet101": "layer1", "mobilenet-v2": "features.3",
        "mobilenet-v3-large": "features.3", "xception41": "entry.1", "xception65": "entry.1",
}  # fmt: skip
"""Where the map of stride 4 is made that feeds the decoder: the last one there is, of an Xception
within the block that strides."""
STRIDES = {"mobilenet-v3-large": (16,)}
"""Output strides that a backbone can have, where not all three."""
ASPP_CHANNELS = 256
"""Channels of every branch of atrous spatial pyramid pooling (Chen et al. 2017, section 3.3)."""
FCN_SHARE = 4
"""Channels of the backbone over those within an FCN head (torchvision's)."""
DECODER_CHANNELS = 48
"""Channels to which the finer map is reduced (Chen et al. 2018, table 1)."""
LRASPP_CHANNELS = 128
"""Channels of the coarse branch (Howard et al. 2019, figure 10)."""


@frozen
class SegmentationSpec:
    """A head for semantic segmentation and the network under it."""

    head: Literal["deeplabv3", "deeplabv3plus", "fcn", "lraspp"] = option(
        "deeplabv3",
        "deeplabv3: parallel dilated convolutions; deeplabv3plus: also a decoder; fcn: a 3x3 "
        "convolution; lraspp: two resolutions",
    )
    backbone: Literal[
        "resnet50", "resnet101", "mobilenet-v2", "mobilenet-v3-large", "xception41", "xception65"
    ] = option("resnet50", "backbone under the head")
    output_stride: int = option(
        8, "output stride of the backbone: 8, 16 or 32; for MobileNetV3, 16",
        low=8, high=32,
    )  # fmt: skip
    rates: tuple[int, ...] = option(
        (12, 24, 36), "dilations of the parallel convolutions of deeplabv3 and deeplabv3plus",
        low=1, high=1024,
    )  # fmt: skip
    decoder_layers: int = option(
        2, "3x3 convolutions in the decoder of deeplabv3plus", low=1, high=100
    )
    separable: bool = option(False, "depthwise-separable convolutions in the head of deeplabv3plus")
    auxiliary: bool = option(False, "an auxiliary head on an earlier map, for training")
    in_channels: int = option(3, "channels of the input", low=1, high=2**20)
    classes: int = option(21, "number of classes of a position", low=1, high=2**24)
    input_size: int = option(520, "height and width of the input, in pixels", low=32, high=2**16)
    batch_size: int = option(1, "batch size", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        strides = STRIDES.get(self.backbone, (8, 16, 32))
        if self.output_stride not in strides:
            only = "16, the only one" if len(strides) == 1 else "8, 16 or 32"
            problem = f"is not {only} for {{backbone}} {self.backbone}"
            raise SpecError("output_stride", self.output_stride, problem)
        if self.head == "lraspp" and self.backbone != "mobilenet-v3-large":
            raise SpecError("head", self.head, "needs {backbone} mobilenet-v3-large")
        if self.head == "lraspp" and self.auxiliary:
            raise SpecError("auxiliary", True, "does not exist with {head} lraspp")
        if self.auxiliary and self.backbone in XCEPTIONS:
            raise SpecError("auxiliary", True, "does not exist on {backbone} " + self.backbone)
        if self.head != "deeplabv3plus" and self.separable:
            raise SpecError("separable", True, "needs {head} deeplabv3plus")
        if self.head != "deeplabv3plus" and self.decoder_layers != 2:
            problem = "needs {head} deeplabv3plus: others have no decoder"
            raise SpecError("decoder_layers", self.decoder_layers, problem)


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
    return MobileNetSpec(version=MOBILENETS[spec.backbone], in_channels=spec.in_channels)


def xception_spec(spec: SegmentationSpec) -> XceptionSpec:
    """Return the Xception under the head."""
    return XceptionSpec(
        layout="aligned",
        middle_blocks=XCEPTIONS[spec.backbone],
        output_stride=spec.output_stride,
        in_channels=spec.in_channels,
    )


def blocks(spec: SegmentationSpec) -> Iterator[Part]:
    """Yield the blocks of the backbone."""
    under: Iterator[Part]
    if spec.backbone in RESNETS:
        under = resnet.blocks(resnet_spec(spec))
    elif spec.backbone in MOBILENETS:
        under = mobilenet.blocks(mobilenet_spec(spec), output_stride=spec.output_stride)
    else:
        under = _tapped(spec)
    for block in under:
        yield replace(block, path=f"{BACKBONE}{block.path}")


def _tapped(spec: SegmentationSpec) -> Iterator[xception.Block]:
    """Yield the blocks of an Xception, the one that gives out a map within among them."""
    for block in xception.blocks(xception_spec(spec)):
        tapped = spec.head == "deeplabv3plus" and block.path == FINE[spec.backbone]
        yield replace(block, tapped=tapped)


def describe(spec: SegmentationSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = [f"{spec.head} on {spec.backbone}", f"output stride {spec.output_stride}"]
    if spec.head in ("deeplabv3", "deeplabv3plus"):
        words.append(f"rates {listed(spec.rates)}")
    if spec.head == "deeplabv3plus":
        words.append(f"decoder of {spec.decoder_layers}{' separable' * spec.separable} layers")
    if spec.auxiliary:
        words.append("auxiliary head")
    return [*words, f"{spec.classes} classes", images_in_words(spec)]
