"""One-stage detectors (Lin et al. 2017, Focal Loss; Tian et al. 2019, FCOS), as in torchvision.

What turns scores and boxes into detections (anchors, thresholds, suppression) has no weights and is
not part of it.
B batch, I channels in, D channels of the pyramid, A boxes at a position, K classes, H x W positions
of the image, X x Y positions of a level.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.feature_pyramid import ExtraLevels, FeaturePyramid
from archscope.blocks.frozen_norm import freeze_norms
from archscope.blocks.residual_plan import Block
from archscope.families.detection.spec import GROUPS, SIDES, DetectionSpec, resnet_spec
from archscope.families.resnet.network import ResNetBody

OUTPUTS = {
    "cls_logits": "cls_logits",
    "bbox_reg": "bbox_regression",
    "bbox_ctrness": "bbox_ctrness",
}
"""What the last layers of the heads give, by their names."""
Levels = list[Tensor]


class Backbone(nn.Module):
    """A ResNet, the pyramid of its last three maps, and two coarser levels."""

    def __init__(self, spec: DetectionSpec, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.body = ResNetBody(resnet_spec(spec), blocks)
        if spec.norm == "frozen":
            freeze_norms(self.body)
        _, *channels = self.body.stage_channels.values()
        self.fpn = FeaturePyramid(channels, spec.channels)
        self.reads_body = spec.p6_reads == "c5"
        last = channels[-1] if self.reads_body else spec.channels
        self.fpn.add_module("extra_blocks", ExtraLevels(last, spec.channels))

    def forward(self, x: Tensor) -> Levels:
        """Take (B, I, H, W), return five levels (B, D, H/8, W/8) to (B, D, H/128, W/128)."""
        _, *maps = self.body.stages(x)
        levels: Levels = self.fpn(maps)
        extra = self.fpn.get_submodule("extra_blocks")
        return [*levels, *extra(maps[-1] if self.reads_body else levels[-1])]


class Head(nn.Module):
    """Convolutions of 3x3, the same on every level, and one or several last ones."""

    archscope_component = "head"

    def __init__(self, spec: DetectionSpec, **outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(*(_layer(spec) for _ in range(spec.head_layers)))
        self.lasts = tuple(outputs)
        for name, channels in outputs.items():
            self.add_module(name, nn.Conv2d(spec.channels, channels, 3, padding=1))

    def forward(self, levels: Sequence[Tensor]) -> dict[str, Levels]:
        """Take levels (B, D, X, Y), return for each output as many (B, A K, X, Y)."""
        within = [self.conv(level) for level in levels]  # (B, D, X, Y)
        return {OUTPUTS[name]: [self.get_submodule(name)(x) for x in within] for name in self.lasts}


class Heads(nn.Module):
    """One head that tells the class of each box, and one that tells its sides."""

    def __init__(self, spec: DetectionSpec) -> None:
        super().__init__()
        boxes = spec.boxes
        self.is_fcos = spec.head == "fcos"
        centres = {"bbox_ctrness": boxes} if self.is_fcos else {}
        self.classification_head = Head(spec, cls_logits=boxes * spec.classes)
        self.regression_head = Head(spec, bbox_reg=boxes * SIDES, **centres)

    def forward(self, levels: Sequence[Tensor]) -> dict[str, Levels]:
        """Take levels (B, D, X, Y), return classes, boxes and in FCOS centres, by name."""
        found = {**self.classification_head(levels), **self.regression_head(levels)}
        if self.is_fcos:  # distances to the sides of a box
            found["bbox_regression"] = [F.relu(sides) for sides in found["bbox_regression"]]
        return found


class Detector(nn.Module):
    """Scores of the classes of each box, and its sides, at each position of each level."""

    def __init__(self, spec: DetectionSpec, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.backbone = Backbone(spec, blocks)
        self.head = Heads(spec)

    def forward(self, x: Tensor) -> dict[str, Levels]:
        """Take (B, I, H, W), return by name five levels (B, A K, X, Y), the finest first."""
        levels = self.backbone(x)
        found: dict[str, Levels] = self.head(levels)
        return found


def _layer(spec: DetectionSpec) -> nn.Sequential:
    # As in torchvision, FCOS keeps the biases before its norms and RetinaNet drops them.
    bias = spec.head == "fcos" or not spec.has_head_norm
    layer = nn.Sequential(nn.Conv2d(spec.channels, spec.channels, 3, padding=1, bias=bias))
    if spec.has_head_norm:
        layer.append(nn.GroupNorm(GROUPS, spec.channels))
    return layer.append(nn.ReLU())
