"""U-Net (Ronneberger, Fischer & Brox 2015).

With resizing in place of transposed convolutions the channels are halved by the convolutions before
it, as is common.
B batch, I channels in, D channels of a resolution, K classes, H x W and X x Y positions.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.families.u_net.spec import Double, UnetSpec, down, up


class DoubleConvolution(nn.Module):
    """relu(norm2(conv2(relu(norm1(conv1(x)))))); the norms where the spec asks for them."""

    def __init__(self, spec: UnetSpec, plan: Double) -> None:
        super().__init__()
        normed = spec.norm == "batchnorm"
        padding = 1 if spec.padding == "same" else 0
        self.conv1 = nn.Conv2d(plan.in_channels, plan.within, 3, padding=padding, bias=not normed)
        self.norm1 = nn.BatchNorm2d(plan.within) if normed else None
        self.conv2 = nn.Conv2d(plan.within, plan.out_channels, 3, padding=padding, bias=not normed)
        self.norm2 = nn.BatchNorm2d(plan.out_channels) if normed else None

    def convolved(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, D, X, Y), without padding (B, D, X - 4, Y - 4)."""
        x = self.conv1(x)
        x = F.relu(x if self.norm1 is None else self.norm1(x))
        x = self.conv2(x)
        return F.relu(x if self.norm2 is None else self.norm2(x))


class Down(DoubleConvolution):
    """One resolution of the path down: a pool of 2x2, but in the first, and two convolutions."""

    def __init__(self, spec: UnetSpec, plan: Double, *, pools: bool) -> None:
        super().__init__(spec, plan)
        self.pool = nn.MaxPool2d(2) if pools else None

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, X, Y), return (B, D, X/2, Y/2), less where there is no padding."""
        return self.convolved(x if self.pool is None else self.pool(x))


class Up(DoubleConvolution):
    """One resolution of the path up: up-sampling, and two convolutions on both paths."""

    def __init__(self, spec: UnetSpec, plan: Double) -> None:
        super().__init__(spec, plan)
        if spec.upsampling == "transposed":
            self.upsample: nn.Module = nn.ConvTranspose2d(
                plan.in_channels, plan.in_channels // 2, 2, stride=2
            )
        else:
            self.upsample = nn.Upsample(scale_factor=2, mode=spec.upsampling)

    def forward(self, x: Tensor, across: Tensor) -> Tensor:
        """Take (B, I, X/2, Y/2) and (B, D, X', Y') of the path down, return (B, D, X, Y)."""
        x = self.upsample(x)  # (B, D, X, Y)
        return self.convolved(torch.cat([_middle(across, x), x], 1))


class Unet(nn.Module):
    """The path down, the path up, and a convolution of 1x1 to the classes."""

    def __init__(self, spec: UnetSpec) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            Down(spec, plan, pools=level > 0) for level, plan in enumerate(down(spec))
        )
        self.up = nn.ModuleList(Up(spec, plan) for plan in up(spec))
        self.out = part("head", nn.Conv2d(spec.stem_channels, spec.classes, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, H, W), return (B, K, H, W), less where there is no padding."""
        across = []
        for level in self.down:
            x = level(x)  # (B, D, X, Y)
            across.append(x)
        for level, beside in zip(self.up, reversed(across[:-1]), strict=True):
            x = level(x, beside)  # (B, D, X, Y)
        scores: Tensor = self.out(x)
        return scores


def _middle(across: Tensor, x: Tensor) -> Tensor:
    """Return as many positions from the middle of `across` as `x` has."""
    height, width = x.shape[-2:]
    top, left = (across.shape[-2] - height) // 2, (across.shape[-1] - width) // 2
    return across[..., top : top + height, left : left + width]
