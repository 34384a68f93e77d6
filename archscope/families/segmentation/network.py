"""Semantic segmentation networks, named as in torchvision.

B batch, I channels in, D channels of the backbone, K classes, H x W positions, h x w after the
backbone's stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.inverted_residual import ConvNormActivation
from archscope.blocks.plan import number_of
from archscope.families.mobilenet import spec as mobilenet
from archscope.families.mobilenet.network import features
from archscope.families.mobilenet.spec import MobileNetSpec, last_channels
from archscope.families.resnet.network import ResNetBody
from archscope.families.segmentation.spec import (
    LOW,
    RESNETS,
    SegmentationSpec,
    mobilenet_spec,
    resnet_spec,
)

ASPP_CHANNELS = 256
"""Channels of every branch of atrous spatial pyramid pooling (Chen et al. 2017, section 3.3)."""
DROPOUT = 0.5
FCN_SHARE = 4
"""Channels of the backbone over those within an FCN head (torchvision's)."""
LRASPP_CHANNELS = 128
"""Channels of the coarse branch (Howard et al. 2019, figure 10)."""


class ResNetBackbone(ResNetBody):
    """The output of the last stage, and of the one before it."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Take (B, I, H, W), return (B, 2048, h, w) and (B, 1024, ...)."""
        *_, low, high = self.stages(x)
        return high, low

    @property
    def channels(self) -> tuple[int, int]:
        """Channels of both."""
        *_, low, high = self.stage_channels.values()
        return high, low


class MobileNetBackbone(nn.Module):
    """The output of the last convolution, and of the block of stride 8."""

    def __init__(self, spec: MobileNetSpec, blocks: Sequence[mobilenet.Part]) -> None:
        super().__init__()
        self.features = features(spec, blocks)
        (low,) = (block.out_channels for block in blocks if number_of(block) == str(LOW))
        self.channels = last_channels(spec), low

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Take (B, I, H, W), return (B, 960, h, w) and (B, 40, H/8, W/8)."""
        low = x
        for number, layer in self.features.named_children():
            x = layer(x)
            low = x if number == str(LOW) else low
        return x, low


Backbone = ResNetBackbone | MobileNetBackbone


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

    def __init__(self, channels: int, rates: Sequence[int]) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Sequential(*_normed(channels, ASPP_CHANNELS, 1))])
        for rate in rates:
            self.convs.append(nn.Sequential(*_normed(channels, ASPP_CHANNELS, 3, dilation=rate)))
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


class Segmentation(nn.Module):
    """Scores of each class at each position, as `out`, of an auxiliary head too as `aux`."""

    def __init__(self, spec: SegmentationSpec, blocks: Sequence[Any]) -> None:
        super().__init__()
        self.backbone: Backbone
        if spec.backbone in RESNETS:
            self.backbone = ResNetBackbone(resnet_spec(spec), blocks)
        else:
            self.backbone = MobileNetBackbone(mobilenet_spec(spec), blocks)
        high, low = self.backbone.channels
        if spec.head == "lraspp":
            head: nn.Module = Lraspp(high, low, spec.classes)
        elif spec.head == "fcn":
            head = _fcn(high, spec.classes)
        else:
            head = _deeplab(high, spec.rates, spec.classes)
        self.classifier = part("head", head)
        self.aux_classifier = part("head", _fcn(low, spec.classes)) if spec.auxiliary else None

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Take (B, I, H, W), return (B, K, H, W) by name."""
        size = x.shape[-2:]
        high, low = self.backbone(x)  # (B, D, h, w), (B, D', ...)
        if isinstance(self.classifier, Lraspp):
            return {"out": _resized(self.classifier(high, low), size)}
        found = {"out": _resized(self.classifier(high), size)}
        if self.aux_classifier is not None:
            found["aux"] = _resized(self.aux_classifier(low), size)
        return found


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


def _resized(x: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
