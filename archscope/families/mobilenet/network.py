"""MobileNet V1 to V3 (Howard et al. 2017, Sandler et al. 2018, Howard et al. 2019) and MnasNet.

Named as in torchvision, which has V2 and V3.
B batch, I channels in, O channels of the last convolution, C classes, H x W positions, s output
stride.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.inverted_residual import ConvNormActivation, InvertedResidual
from archscope.blocks.inverted_residual_plan import Block
from archscope.blocks.plan import Step, number_of
from archscope.families.mobilenet.spec import (
    MobileNetSpec,
    Part,
    hidden_width,
    last_channels,
    last_number,
)

DROPOUT = 0.2


class DepthwiseSeparable(nn.Module):
    """relu(norm(pointwise(relu(norm(depthwise(x)))))), Howard et al. 2017, figure 3 right."""

    def __init__(self, plan: Step) -> None:
        super().__init__()
        inputs = plan.in_channels
        self.depthwise = ConvNormActivation(
            inputs, inputs, 3, stride=plan.stride, groups=inputs, activation="relu"
        )
        self.pointwise = ConvNormActivation(inputs, plan.out_channels, 1, activation="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        out: Tensor = self.pointwise(self.depthwise(x))
        return out


def features(spec: MobileNetSpec, blocks: Sequence[Part], *, last: bool = True) -> nn.Sequential:
    """Build all convolutions, but for the last if not wanted: (B, I, H, W) to (B, O, H/s, W/s)."""
    act = {"v1": "relu", "v2": "relu6", "mnasnet": "relu"}.get(spec.version, "hardswish")
    stem = blocks[0].in_channels
    found = nn.Sequential(ConvNormActivation(spec.in_channels, stem, 3, stride=2, activation=act))
    for block in blocks:
        made = InvertedResidual(block) if isinstance(block, Block) else DepthwiseSeparable(block)
        found.add_module(number_of(block), made)
    if last and spec.version != "v1":
        before, outputs = blocks[-1].out_channels, last_channels(spec)
        pointwise = ConvNormActivation(before, outputs, 1, activation=act)
        found.add_module(str(last_number(spec)), pointwise)
    return found


class MobileNet(nn.Module):
    """All convolutions, the mean over all positions, and a classifier."""

    def __init__(self, spec: MobileNetSpec, blocks: Sequence[Part]) -> None:
        super().__init__()
        self.features = features(spec, blocks)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = part("head", _classifier(spec))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x = self.features(x)  # (B, O, H/32, W/32)
        scores: Tensor = self.classifier(self.avgpool(x).flatten(1))  # (B, C)
        return scores


def _classifier(spec: MobileNetSpec) -> nn.Sequential:
    inputs, hidden = last_channels(spec), hidden_width(spec)
    if not hidden:
        return nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(inputs, spec.classes))
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.Hardswish(),
        nn.Dropout(DROPOUT),
        nn.Linear(hidden, spec.classes),
    )
