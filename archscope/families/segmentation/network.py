"""Semantic segmentation networks, named as in torchvision.

B batch, I channels in, D channels of the backbone, K classes, H x W positions, h x w after the
backbone's stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.inverted_residual import ConvNormActivation
from archscope.blocks.plan import number_of
from archscope.blocks.separable import SeparableConvolution
from archscope.families.mobilenet import spec as mobilenet
from archscope.families.mobilenet.network import features
from archscope.families.mobilenet.spec import last_channels
from archscope.families.resnet.network import ResNetBody
from archscope.families.segmentation.spec import (
    ASPP_CHANNELS,
    DECODER_CHANNELS,
    FCN_SHARE,
    FINE,
    LRASPP_CHANNELS,
    MIDDLE,
    MOBILENETS,
    RESNETS,
    SegmentationSpec,
    mobilenet_spec,
    resnet_spec,
    xception_spec,
)
from archscope.families.separable_residual import spec as xception
from archscope.families.separable_residual.network import XceptionBody

DROPOUT = 0.5


class Maps(NamedTuple):
    """What a backbone gives to the heads; None: it has no such map."""

    high: Tensor
    """The last one, (B, D, h, w)."""
    middle: Tensor | None
    """One of stride 8, of a ResNet that of the third stage."""
    fine: Tensor | None
    """The last one of stride 4."""


class Channels(NamedTuple):
    """Channels of each map; 0: it is not there."""

    high: int
    middle: int
    fine: int


class ResNetBackbone(ResNetBody):
    """The outputs of the first stage and the last two."""

    def forward(self, x: Tensor) -> Maps:
        """Take (B, I, H, W), return (B, 2048, h, w), (B, 1024, ...) and (B, 256, H/4, W/4)."""
        fine, _, middle, high = self.stages(x)
        return Maps(high, middle, fine)

    @property
    def channels(self) -> Channels:
        """Channels of the maps."""
        fine, _, middle, high = self.stage_channels.values()
        return Channels(high, middle, fine)


class MobileNetBackbone(nn.Module):
    """The output of the last layer, and of blocks of stride 8 and 4; V2 ends with its blocks."""

    def __init__(self, spec: SegmentationSpec, blocks: Sequence[mobilenet.Part]) -> None:
        super().__init__()
        inner = mobilenet_spec(spec)
        has_last = inner.version != "v2"
        self.features = features(inner, blocks, last=has_last)
        self.middle = MIDDLE[spec.backbone]
        self.fine = int(FINE[spec.backbone].rpartition(".")[2])
        high = last_channels(inner) if has_last else blocks[-1].out_channels
        middle, fine = (
            # A block that is like others may have been left out.
            [block.out_channels for block in blocks if int(number_of(block)) <= number][-1]
            for number in (self.middle, self.fine)
        )
        self.channels = Channels(high, middle, fine)

    def forward(self, x: Tensor) -> Maps:
        """Take (B, I, H, W), return (B, D, h, w), (B, D', H/8, W/8) and (B, D", H/4, W/4)."""
        middle = fine = x
        for number, layer in self.features.named_children():
            x = layer(x)
            fine = x if int(number) <= self.fine else fine
            middle = x if int(number) <= self.middle else middle
        return Maps(x, middle, fine)


class XceptionBackbone(XceptionBody):
    """The output of the last block, and what is within the block that leaves stride 4."""

    def __init__(self, spec: SegmentationSpec, blocks: Sequence[xception.Block]) -> None:
        super().__init__(xception_spec(spec), blocks)
        tapped = [block.channels[-2] for block in blocks if block.tapped]
        self.channels = Channels(blocks[-1].out_channels, 0, sum(tapped))

    def forward(self, x: Tensor) -> Maps:
        """Take (B, I, H, W), return (B, 2048, h, w) and (B, 256, H/4, W/4)."""
        high, fine = self.maps(x)
        return Maps(high, None, fine)


Backbone = ResNetBackbone | MobileNetBackbone | XceptionBackbone


class Pooling(nn.Sequential):
    """The mean over all positions, through a convolution, at every position."""

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, D, h, w), return (B, 256, h, w)."""
        mean = x
        for layer in self:
            mean = layer(mean)  # (B, 256, 1, 1) in the end
        return mean.expand(-1, -1, *x.shape[-2:])


class Aspp(nn.Module):
    """Atrous spatial pyramid pooling: parallel dilated convolutions (Chen et al. 2017, fig. 5)."""

    def __init__(self, channels: int, rates: Sequence[int], *, separable: bool = False) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Sequential(*_normed(channels, ASPP_CHANNELS, 1))])
        for rate in rates:
            layers = _wide(channels, ASPP_CHANNELS, dilation=rate, separable=separable)
            self.convs.append(nn.Sequential(*layers))
        self.convs.append(Pooling(nn.AdaptiveAvgPool2d(1), *_normed(channels, ASPP_CHANNELS, 1)))
        together = len(self.convs) * ASPP_CHANNELS
        self.project = nn.Sequential(*_normed(together, ASPP_CHANNELS, 1), nn.Dropout(DROPOUT))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, D, h, w), return (B, 256, h, w)."""
        branches = [conv(x) for conv in self.convs]  # each (B, 256, h, w)
        out: Tensor = self.project(torch.cat(branches, 1))
        return out


class Lraspp(nn.Module):
    """Lite reduced ASPP: a gated coarse branch and a finer one (Howard et al. 2019, figure 10)."""

    def __init__(self, high: int, low: int, classes: int) -> None:
        super().__init__()
        self.cbr = nn.Sequential(*_normed(high, LRASPP_CHANNELS, 1))
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(high, LRASPP_CHANNELS, 1, bias=False), nn.Sigmoid()
        )
        self.low = nn.Conv2d(low, classes, 1)
        self.high = nn.Conv2d(LRASPP_CHANNELS, classes, 1)

    def forward(self, high: Tensor, low: Tensor) -> Tensor:
        """Take (B, D, h, w) and the finer (B, D', H/8, W/8), return (B, K, H/8, W/8)."""
        gated = self.cbr(high) * self.scale(high)  # (B, 128, h, w)
        gated = _resized(gated, low.shape[-2:])  # (B, 128, H/8, W/8)
        scores: Tensor = self.low(low) + self.high(gated)
        return scores


class DeepLabPlus(nn.Module):
    """ASPP, resized and put beside a finer map, and convolutions (Chen et al. 2018, figure 2)."""

    def __init__(self, spec: SegmentationSpec, high: int, fine: int) -> None:
        super().__init__()
        self.project = nn.Sequential(*_normed(fine, DECODER_CHANNELS, 1))
        self.aspp = Aspp(high, spec.rates, separable=spec.separable)
        self.classifier = nn.Sequential()
        channels = ASPP_CHANNELS + DECODER_CHANNELS
        for _ in range(spec.decoder_layers):
            self.classifier.extend(_wide(channels, ASPP_CHANNELS, separable=spec.separable))
            channels = ASPP_CHANNELS
        self.classifier.append(nn.Conv2d(channels, spec.classes, 1))

    def forward(self, high: Tensor, fine: Tensor) -> Tensor:
        """Take (B, D, h, w) and the finer (B, D', H/4, W/4), return (B, K, H/4, W/4)."""
        fine = self.project(fine)  # (B, 48, H/4, W/4)
        coarse = _resized(self.aspp(high), fine.shape[-2:])  # (B, 256, H/4, W/4)
        scores: Tensor = self.classifier(torch.cat([fine, coarse], 1))
        return scores


class Segmentation(nn.Module):
    """Scores of each class at each position, as `out`, of an auxiliary head too as `aux`."""

    def __init__(self, spec: SegmentationSpec, blocks: Sequence[Any]) -> None:
        super().__init__()
        self.backbone = _backbone(spec, blocks)
        high, middle, fine = self.backbone.channels
        if spec.head == "lraspp":
            head: nn.Module = Lraspp(high, middle, spec.classes)
        elif spec.head == "deeplabv3plus":
            head = DeepLabPlus(spec, high, fine)
        elif spec.head == "fcn":
            head = _fcn(high, spec.classes)
        else:
            head = _deeplab(high, spec.rates, spec.classes)
        self.classifier = part("head", head)
        self.aux_classifier = part("head", _fcn(middle, spec.classes)) if spec.auxiliary else None

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Take (B, I, H, W), return (B, K, H, W) by name."""
        maps = self.backbone(x)
        found = {"out": _resized(self._scores(maps), x.shape[-2:])}
        if self.aux_classifier is not None:
            found["aux"] = _resized(self.aux_classifier(maps.middle), x.shape[-2:])
        return found

    def _scores(self, maps: Maps) -> Tensor:
        inputs: tuple[Tensor | None, ...]
        if isinstance(self.classifier, Lraspp):
            inputs = maps[:2]
        elif isinstance(self.classifier, DeepLabPlus):
            inputs = (maps.high, maps.fine)
        else:
            inputs = maps[:1]
        scores: Tensor = self.classifier(*inputs)
        return scores


def _backbone(spec: SegmentationSpec, blocks: Sequence[Any]) -> Backbone:
    if spec.backbone in RESNETS:
        return ResNetBackbone(resnet_spec(spec), blocks)
    if spec.backbone in MOBILENETS:
        return MobileNetBackbone(spec, blocks)
    return XceptionBackbone(spec, blocks)


def _deeplab(channels: int, rates: Sequence[int], classes: int) -> nn.Sequential:
    return nn.Sequential(
        Aspp(channels, rates),
        *_normed(ASPP_CHANNELS, ASPP_CHANNELS, 3),
        nn.Conv2d(ASPP_CHANNELS, classes, 1),
    )


def _fcn(channels: int, classes: int) -> nn.Sequential:
    within = channels // FCN_SHARE
    return nn.Sequential(
        *_normed(channels, within, 3), nn.Dropout(0.1), nn.Conv2d(within, classes, 1)
    )


def _normed(inputs: int, outputs: int, kernel: int, *, dilation: int = 1) -> tuple[nn.Module, ...]:
    """Return a convolution without bias that keeps the size, its norm and its activation."""
    return tuple(ConvNormActivation(inputs, outputs, kernel, dilation=dilation, activation="relu"))


def _wide(
    inputs: int, outputs: int, *, dilation: int = 1, separable: bool = False
) -> tuple[nn.Module, ...]:
    """Return a convolution of 3x3 with its norm and activation, or a separable one with theirs."""
    if not separable:
        return _normed(inputs, outputs, 3, dilation=dilation)
    return (
        SeparableConvolution(inputs, outputs, dilation=dilation, between="norm", activates=True),
    )


def _resized(x: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
