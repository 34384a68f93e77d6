"""GoogLeNet (Szegedy et al. 2015) and Inception v3 (Szegedy et al. 2016), named as in torchvision.

B batch, I channels in, O channels out, C classes, H x W and X x Y positions, x x y after the
stride, s output stride.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.families.inception.plan import (
    AUX_POOLED,
    AUXILIARY,
    Module,
    Part,
    Step,
    parts,
    scaled,
)
from archscope.families.inception.spec import InceptionSpec

EPSILON = 0.001
DROPOUT = {"v1": 0.2, "v3": 0.5}
AUX_DROPOUT = 0.7

Scaled = Callable[[int], int]
"""Channels after scaling."""


class BasicConv2d(nn.Module):
    """relu(norm(conv(x)))."""

    def __init__(self, inputs: int, outputs: int, step: Step) -> None:
        super().__init__()
        padding = step.padding
        self.conv = nn.Conv2d(inputs, outputs, step.kernel, step.stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        return F.relu(self.bn(self.conv(x)))


class Branches(nn.Module):
    """Branches that read the same map, side by side."""

    def __init__(self, inputs: int, module: Module, of_width: Scaled) -> None:
        super().__init__()
        self.branches = [[[s.name for s in fork] for fork in one] for one in module.branches]
        self.channels = 0
        for branch in module.branches:
            channels = inputs
            for fork in branch:
                for step in fork:
                    _put(self, step.name, _layer(channels, step, of_width))
                channels = sum(
                    of_width(step.channels) if step.channels else inputs for step in fork
                )
            self.channels += channels

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        return torch.cat([self._branch(branch, x) for branch in self.branches], 1)

    def _branch(self, forks: list[list[str]], x: Tensor) -> Tensor:
        for fork in forks:
            outputs = [self.get_submodule(name)(x) for name in fork]
            x = outputs[0] if len(outputs) == 1 else torch.cat(outputs, 1)
        return x


class AuxiliaryV1(nn.Module):
    """A mean over parts of the map, a pointwise convolution and two linear layers."""

    def __init__(self, inputs: int, spec: InceptionSpec, of_width: Scaled) -> None:
        super().__init__()
        channels, hidden = of_width(128), of_width(1024)
        self.pool = nn.AdaptiveAvgPool2d(AUX_POOLED["v1"])
        self.conv = BasicConv2d(inputs, channels, Step(name="conv"))
        self.fc1 = nn.Linear(channels * AUX_POOLED["v1"] ** 2, hidden)
        self.dropout = nn.Dropout(AUX_DROPOUT)
        self.fc2 = nn.Linear(hidden, spec.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, C)."""
        x = self.conv(self.pool(x)).flatten(1)  # (B, 128 * 16)
        scores: Tensor = self.fc2(self.dropout(F.relu(self.fc1(x))))  # (B, C)
        return scores


class AuxiliaryV3(nn.Module):
    """A mean of 5x5 and stride 3, convolutions of 1x1 and 5x5, and a linear layer."""

    def __init__(self, inputs: int, spec: InceptionSpec, of_width: Scaled) -> None:
        super().__init__()
        first, second = of_width(128), of_width(768)
        self.pool = nn.AvgPool2d(5, stride=3)
        self.conv0 = BasicConv2d(inputs, first, Step(name="conv0"))
        self.conv1 = BasicConv2d(first, second, Step(name="conv1", kernel=(5, 5), padded=False))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(second, spec.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, C)."""
        x = self.conv1(self.conv0(self.pool(x)))  # (B, 768, 1, 1) of 17 x 17 positions
        scores: Tensor = self.fc(self.avgpool(x).flatten(1))  # (B, C)
        return scores


class Inception(nn.Module):
    """Convolutions, pools and modules of branches, the mean over all positions, a linear layer."""

    def __init__(self, spec: InceptionSpec) -> None:
        super().__init__()
        self.order: list[str] = []
        self.heads = AUXILIARY[spec.version] if spec.auxiliary else {}
        auxiliary = AuxiliaryV1 if spec.version == "v1" else AuxiliaryV3

        of_width = partial(scaled, spec)
        channels = spec.in_channels
        for item in parts(spec):
            channels = self._add(item, channels, of_width)
            if item.name in self.heads:
                head = auxiliary(channels, spec, of_width)
                self.add_module(self.heads[item.name], part("head", head))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(DROPOUT[spec.version])
        self.fc = part("head", nn.Linear(channels, spec.classes))

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        """Take (B, I, H, W), return (B, C); in training with those of auxiliary classifiers."""
        found: dict[str, Tensor] = {}
        for name in self.order:
            x = self.get_submodule(name)(x)  # (B, O, H/s, W/s) in the end
            if self.training and name in self.heads:
                found[self.heads[name]] = self.get_submodule(self.heads[name])(x)
        scores: Tensor = self.fc(self.dropout(self.avgpool(x).flatten(1)))  # (B, C)
        return {"logits": scores, **found} if found else scores

    def _add(self, item: Part, inputs: int, of_width: Scaled) -> int:
        self.order.append(item.name)
        if isinstance(item, Module):
            branches = Branches(inputs, item, of_width)
            self.add_module(item.name, branches)
            return branches.channels
        self.add_module(item.name, _layer(inputs, item, of_width))
        return of_width(item.channels) if item.channels else inputs


def _layer(inputs: int, step: Step, of_width: Scaled) -> nn.Module:
    if step.kind == "conv":
        return BasicConv2d(inputs, of_width(step.channels), step)
    kind = nn.MaxPool2d if step.kind == "max" else nn.AvgPool2d
    return kind(step.kernel, step.stride, step.padding, ceil_mode=step.ceil_mode)


def _put(module: nn.Module, path: str, child: nn.Module) -> None:
    """Add a module under a dotted path, lists that are not there yet too."""
    parent, _, name = path.rpartition(".")
    if parent and parent not in dict(module.named_children()):
        module.add_module(parent, nn.Sequential())
    module.get_submodule(parent).add_module(name, child)
