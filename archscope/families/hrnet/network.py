"""HRNet V2 (Wang et al. 2020), named as in the authors' code.

B batch, I channels in, W channels of a branch, C classes, H x W' positions of the image, X x Y of a
branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.inverted_residual import ConvNormActivation
from archscope.blocks.plan import lists
from archscope.blocks.residual import convolution, residual_block
from archscope.blocks.residual_plan import Block
from archscope.blocks.stack import sequence
from archscope.families.hrnet.spec import HEAD, LAST, STEM, HrnetSpec, bottleneck

Maps = list[Tensor]


class Exchange(nn.Module):
    """A module: each branch by itself, then to each branch the sum of all, fitted to its shape."""

    def __init__(self, branches: Sequence[Sequence[Block]]) -> None:
        super().__init__()
        numbers = range(len(branches))
        widths = [branch[0].out_channels for branch in branches]
        self.branches = nn.ModuleList(sequence(branch, residual_block) for branch in branches)
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_fitted(widths, source, target) for source in numbers)
            for target in numbers
        )

    def forward(self, maps: Sequence[Tensor]) -> Maps:
        """Take and return maps (B, W, X, Y), the finest first."""
        inner = [branch(x) for branch, x in zip(self.branches, maps, strict=True)]
        found: Maps = []
        for layers in self.fuse_layers.children():
            y, *others = (layer(x) for layer, x in zip(layers.children(), inner, strict=True))
            for other in others:
                y = y + other
            found.append(F.relu(y))
        return found


def _fitted(widths: Sequence[int], source: int, target: int) -> nn.Module:
    """Return what brings a branch's map to the shape of another's."""
    if source == target:
        return nn.Identity()
    if source > target:
        return nn.Sequential(
            *ConvNormActivation(widths[source], widths[target], 1, activation=None),
            nn.Upsample(scale_factor=2 ** (source - target), mode="nearest"),
        )
    steps = nn.Sequential()
    for step in range(source + 1, target + 1):
        is_last = step == target
        out = widths[target] if is_last else widths[source]
        activation = None if is_last else "relu"
        steps.append(ConvNormActivation(widths[source], out, 3, stride=2, activation=activation))
    return steps


class Classifier(nn.Module):
    """Bottlenecks on all branches, which are added from the finest to the coarsest (figure 4 c)."""

    def __init__(self, spec: HrnetSpec) -> None:
        super().__init__()
        plans = [
            bottleneck("", width, HEAD * 2**number) for number, width in enumerate(spec.widths)
        ]
        self.incre_modules = nn.ModuleList(nn.Sequential(residual_block(plan)) for plan in plans)
        self.downsamp_modules = nn.ModuleList(
            _biased(one.out_channels, other.out_channels, 3, stride=2)
            for one, other in pairwise(plans)
        )
        self.final_layer = _biased(plans[-1].out_channels, LAST, 1)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(LAST, spec.classes)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Take maps (B, W, X, Y), return (B, C)."""
        y, *others = (layer(x) for layer, x in zip(self.incre_modules, maps, strict=True))
        for down, other in zip(self.downsamp_modules, others, strict=True):
            y = other + down(y)
        scores: Tensor = self.classifier(self.avgpool(self.final_layer(y)).flatten(1))
        return scores


def _biased(inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> nn.Sequential:
    """Return a convolution with bias, its norm and its activation."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Segmenter(nn.Module):
    """All branches at the size of the finest, side by side (Wang et al. 2020, figure 4 b)."""

    def __init__(self, spec: HrnetSpec) -> None:
        super().__init__()
        channels = sum(spec.widths)
        self.last_layer = nn.Sequential(
            *_biased(channels, channels, 1), nn.Conv2d(channels, spec.classes, 1)
        )

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Take maps (B, W, X, Y), return (B, C, H/4, W'/4)."""
        finest, *others = maps
        resized = (
            F.interpolate(x, size=finest.shape[-2:], mode="bilinear", align_corners=False)
            for x in others
        )
        scores: Tensor = self.last_layer(torch.cat([finest, *resized], 1))
        return scores


class Hrnet(nn.Module):
    """The stem, the stages with one branch more each, and a head."""

    def __init__(self, spec: HrnetSpec, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.conv1 = convolution(spec.in_channels, STEM, 3, stride=2)
        self.bn1 = nn.BatchNorm2d(STEM)
        self.conv2 = convolution(STEM, STEM, 3, stride=2)
        self.bn2 = nn.BatchNorm2d(STEM)
        plan = lists(blocks)
        self.layer1 = sequence(plan["layer1"], residual_block)
        before: tuple[int, ...] = (plan["layer1"][-1].out_channels,)
        self.stages = range(2, len(spec.modules) + 2)
        for number, count in zip(self.stages, spec.modules, strict=True):
            after, path = spec.widths[:number], f"stage{number}"
            self.add_module(f"transition{number - 1}", _transition(before, after))
            modules = (
                Exchange([plan[f"{path}.{module}.branches.{n}"] for n in range(number)])
                for module in range(count)
            )
            self.add_module(path, nn.ModuleList(modules))
            before = after
        head = Classifier(spec) if spec.head == "classification" else Segmenter(spec)
        self.head = part("head", head)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W'), return (B, C), of segmentation (B, C, H/4, W'/4)."""
        x = F.relu(self.bn1(self.conv1(x)))  # (B, 64, H/2, W'/2)
        x = F.relu(self.bn2(self.conv2(x)))  # (B, 64, H/4, W'/4)
        maps: Maps = [self.layer1(x)]
        for number in self.stages:
            layers = self.get_submodule(f"transition{number - 1}").children()
            # A branch that is new begins at the coarsest one before it.
            taken = [*maps, maps[-1]]
            maps = [layer(one) for layer, one in zip(layers, taken, strict=True)]
            for module in self.get_submodule(f"stage{number}").children():
                maps = module(maps)
        scores: Tensor = self.head(maps)
        return scores


def _transition(before: Sequence[int], after: Sequence[int]) -> nn.ModuleList:
    """Return a layer for each branch: a convolution where its channels change or it is new."""
    layers: list[nn.Module] = [
        nn.Identity() if one == other else ConvNormActivation(one, other, 3, activation="relu")
        for one, other in zip(before, after, strict=False)
    ]
    new = ConvNormActivation(before[-1], after[-1], 3, stride=2, activation="relu")
    return nn.ModuleList([*layers, nn.Sequential(new)])
