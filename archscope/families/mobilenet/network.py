"""MobileNet V1 to V3 (Howard et al. 2017, Sandler et al. 2018, Howard et al. 2019).

Named as in torchvision, which has V2 and V3.
B batch, I channels in, O channels of the last convolution, C classes, H x W positions, s output
stride.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.inverted_residual import ConvNormActivation, InvertedResidual

if TYPE_CHECKING:
    from archscope.families.mobilenet.spec import MobileNetSpec, Plan, Separable

DROPOUT = 0.2


class DepthwiseSeparable(nn.Module):
    """relu(norm(pointwise(relu(norm(depthwise(x)))))), Howard et al. 2017, figure 3 right."""

    def __init__(self, plan: Separable) -> None:
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


def features(spec: MobileNetSpec, plan: Plan) -> nn.Sequential:
    """Build all convolutions: (B, I, H, W) to (B, O, H/s, W/s)."""
    act, stem = plan.activation, plan.stem_channels
    found = nn.Sequential(ConvNormActivation(spec.in_channels, stem, 3, stride=2, activation=act))
    if plan.separable:
        return found.extend(map(DepthwiseSeparable, plan.separable))
    found.extend(map(InvertedResidual, plan.blocks))
    before = plan.blocks[-1].out_channels
    return found.append(ConvNormActivation(before, plan.last_channels, 1, activation=act))


class MobileNet(nn.Module):
    """All convolutions, the mean over all positions, and a classifier."""

    def __init__(self, spec: MobileNetSpec, plan: Plan) -> None:
        super().__init__()
        self.features = features(spec, plan)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = part("head", _classifier(plan, spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x = self.features(x)  # (B, O, H/32, W/32)
        scores: Tensor = self.classifier(self.avgpool(x).flatten(1))  # (B, C)
        return scores


def _classifier(plan: Plan, classes: int) -> nn.Sequential:
    if not plan.hidden:
        return nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(plan.last_channels, classes))
    return nn.Sequential(
        nn.Linear(plan.last_channels, plan.hidden),
        nn.Hardswish(),
        nn.Dropout(DROPOUT),
        nn.Linear(plan.hidden, classes),
    )
