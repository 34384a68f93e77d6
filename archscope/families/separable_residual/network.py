"""Xception (Chollet 2017, figure 5), and that of DeepLabv3+ (Chen et al. 2018, figure 4).

B batch, I channels in, O channels out, C classes, X x Y positions, x x y after the stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.plan import lists
from archscope.blocks.residual import projection
from archscope.blocks.separable import SeparableConvolution
from archscope.blocks.stack import sequence
from archscope.families.separable_residual.spec import BEHIND, FIRST, Block, XceptionSpec

FLOWS = ("entry", "middle", "exit")


class XceptionBlock(nn.Module):
    """pool(conv2(relu(conv1(relu(x))))) + skip(x); aligned, a third convolution strides instead."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.starts_with_relu = block.starts_with_relu and block.residual
        self.convolutions = last = len(block.channels) - 1
        for number, channels in enumerate(pairwise(block.channels), start=1):
            convolved = SeparableConvolution(
                *channels,
                stride=block.stride if block.aligned and number == last else 1,
                dilation=block.dilation,
                between="norm" if block.aligned else "nothing",
                activates=not block.residual,
            )
            self.add_module(f"conv{number}", convolved)
        pools = block.stride > 1 and not block.aligned
        self.pool = nn.MaxPool2d(3, stride=block.stride, padding=1) if pools else None
        self.residual, self.activates = block.residual, not block.residual
        self.skip = None
        if block.residual and (block.stride > 1 or block.in_channels != block.out_channels):
            self.skip = projection(block.in_channels, block.out_channels, stride=block.stride)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, O, x, y)."""
        return self.both(x)[0]

    def both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return (B, O, x, y), and (B, O', X, Y) before the last convolution and its activation."""
        y = within = x
        for number in range(1, self.convolutions + 1):
            within = y
            y = F.relu(y) if self._starts_with_relu(number) else y
            y = self.get_submodule(f"conv{number}")(y)  # (B, O, X, Y)
        y = y if self.pool is None else self.pool(y)  # (B, O, x, y)
        if not self.residual:
            return y, within
        return y + (x if self.skip is None else self.skip(x)), within

    def _starts_with_relu(self, number: int) -> bool:
        return not self.activates and (number > 1 or self.starts_with_relu)


class TappedBlock(XceptionBlock):
    """The same, with what its last convolution reads beside its output."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Take (B, I, X, Y), return (B, O, x, y) and (B, O', X, Y)."""
        return self.both(x)


class XceptionBody(nn.Module):
    """Two convolutions and the entry, middle and exit flow."""

    def __init__(self, spec: XceptionSpec, blocks: Sequence[Block]) -> None:
        super().__init__()
        second, padding = blocks[0].in_channels, 1 if spec.is_aligned else 0
        self.conv1 = nn.Conv2d(spec.in_channels, FIRST, 3, 2, padding, bias=False)
        self.bn1 = nn.BatchNorm2d(FIRST)
        self.conv2 = nn.Conv2d(FIRST, second, 3, 1, padding, bias=False)
        self.bn2 = nn.BatchNorm2d(second)
        flows = lists(blocks)
        for flow in FLOWS:
            inside = next((found for path, found in flows.items() if path.endswith(flow)), [])
            self.add_module(flow, sequence(inside, _block))

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Take (B, I, H, W), return (B, O, h, w), and what a tapped block gives out."""
        x = F.relu(self.bn1(self.conv1(x)))  # (B, 32, H/2, W/2)
        x = F.relu(self.bn2(self.conv2(x)))  # (B, 64, H/2, W/2)
        tap: Tensor | None = None
        for flow in FLOWS:
            for block in self.get_submodule(flow).children():
                x, tap = block(x) if isinstance(block, TappedBlock) else (block(x), tap)
        return x, tap


class Xception(XceptionBody):
    """The entry, middle and exit flow, the mean over all positions, and one linear layer."""

    def __init__(self, spec: XceptionSpec, blocks: Sequence[Block]) -> None:
        super().__init__(spec, blocks)
        self.conv3 = self.conv4 = None
        if not spec.is_aligned:
            self.conv3 = SeparableConvolution(blocks[-1].out_channels, BEHIND[0], between="nothing")
            self.conv4 = SeparableConvolution(*BEHIND, between="nothing")
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = part("head", nn.Linear(BEHIND[1], spec.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, C)."""
        x, _ = self.maps(x)  # (B, 1024, H/32, W/32), aligned (B, 2048, h, w)
        if self.conv3 is not None and self.conv4 is not None:
            x = F.relu(self.conv4(F.relu(self.conv3(x))))  # (B, 2048, H/32, W/32)
        scores: Tensor = self.fc(self.avgpool(x).flatten(1))  # (B, C)
        return scores


def _block(block: Block) -> XceptionBlock:
    return TappedBlock(block) if block.tapped else XceptionBlock(block)
