"""NAS-Bench-201 (Dong & Yang 2020), named as in the authors' code.

B batch, I channels in, O channels out, C classes, H x W and X x Y positions, x x y after the
stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce

import torch
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.plan import Step
from archscope.blocks.residual import convolution
from archscope.blocks.stack import stack
from archscope.families.nasbench201.spec import NasBench201Spec, nodes


class Zero(nn.Module):
    """An edge that is not there."""

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, I, X, Y)."""
        return torch.zeros_like(x)


class ReluConvNorm(nn.Sequential):
    """norm(convolution(relu(x))), without bias."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> None:
        conv = convolution(inputs, outputs, kernel, stride=stride)
        super().__init__(nn.ReLU(), conv, nn.BatchNorm2d(outputs))


class Cell(nn.Module):
    """Nodes that each add up what the edges from all nodes before bring; the last goes out."""

    def __init__(self, cell: str, channels: int) -> None:
        super().__init__()
        self.nodes = nodes(cell)
        self.layers = nn.ModuleList(_edge(name, channels) for node in self.nodes for name in node)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, I, X, Y)."""
        found, layers = [x], iter(self.layers)
        for node in self.nodes:
            brought = [layer(source) for source, layer, _ in zip(found, layers, node, strict=False)]
            found.append(reduce(torch.add, brought))  # (B, I, X, Y)
        return found[-1]


class Reduction(nn.Module):
    """Two convolutions, the first of stride 2, beside a mean of 2x2 and a pointwise convolution."""

    def __init__(self, plan: Step) -> None:
        super().__init__()
        inputs, outputs = plan.in_channels, plan.out_channels
        self.conv_a = ReluConvNorm(inputs, outputs, 3, stride=plan.stride)
        self.conv_b = ReluConvNorm(outputs, outputs, 3)
        self.downsample = nn.Sequential(nn.AvgPool2d(plan.stride), convolution(inputs, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        out: Tensor = self.downsample(x) + self.conv_b(self.conv_a(x))
        return out


class NasBench201(nn.Module):
    """A convolution, three stages of cells, a norm, the mean of all positions, a linear layer."""

    def __init__(self, spec: NasBench201Spec, blocks: Sequence[Step]) -> None:
        super().__init__()
        first, last = spec.channels, blocks[-1].out_channels
        self.stem = nn.Sequential(convolution(spec.in_channels, first, 3), nn.BatchNorm2d(first))
        self.cells = stack(blocks, partial(_built, spec.cell))
        self.lastact = nn.Sequential(nn.BatchNorm2d(last), nn.ReLU())
        self.global_pooling = nn.AdaptiveAvgPool2d(1)
        self.classifier = part("head", nn.Linear(last, spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x)  # (B, O, X, Y)
        features = self.global_pooling(self.lastact(x)).flatten(1)  # (B, O)
        scores: Tensor = self.classifier(features)  # (B, C)
        return scores


def _built(cell: str, plan: Step) -> nn.Module:
    return Cell(cell, plan.in_channels) if plan.kind == "cell" else Reduction(plan)


def _edge(name: str, channels: int) -> nn.Module:
    match name:
        case "none":
            return Zero()
        case "skip_connect":
            return nn.Identity()
        case "avg_pool_3x3":
            return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
        case _:
            return ReluConvNorm(channels, channels, int(name[-1]))
