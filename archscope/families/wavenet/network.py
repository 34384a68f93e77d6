"""WaveNet (van den Oord et al. 2016, section 2).

B batch, C values of a sample, R residual channels, D dilation channels, S skip channels,
T samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.dilated import CausalConv1d

if TYPE_CHECKING:
    from archscope.families.wavenet.spec import WaveNetSpec


class WaveNetBlock(nn.Module):
    """z = tanh(filter(x)) * sigmoid(gate(x)), equation 2; out go x + residual(z) and skip(z)."""

    def __init__(self, spec: WaveNetSpec, dilation: int) -> None:
        super().__init__()
        through, within = spec.residual_channels, spec.dilation_channels
        # Filter and gate side by side.
        self.dilated = CausalConv1d(through, 2 * within, spec.kernel_size, dilation=dilation)
        self.residual = nn.Conv1d(within, through, 1)
        self.skip = nn.Conv1d(within, spec.skip_channels, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Take (B, R, T), return (B, R, T) and (B, S, T)."""
        filtered, gate = self.dilated(x).chunk(2, 1)  # both (B, D, T)
        z = torch.tanh(filtered) * torch.sigmoid(gate)  # (B, D, T)
        return x + self.residual(z), self.skip(z)


class WaveNet(nn.Module):
    """Blocks whose skips are added up, and two convolutions of kernel size 1 (figure 4)."""

    def __init__(self, spec: WaveNetSpec) -> None:
        super().__init__()
        self.causal = CausalConv1d(spec.classes, spec.residual_channels, spec.kernel_size)
        self.blocks = nn.ModuleList(WaveNetBlock(spec, dilation) for dilation in spec.blocks)
        self.end1 = nn.Conv1d(spec.skip_channels, spec.skip_channels, 1)
        self.end2 = nn.Conv1d(spec.skip_channels, spec.classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Take samples one-hot (B, C, T), return scores of the next samples (B, C, T)."""
        x = self.causal(x)  # (B, R, T)
        skips = []
        for block in self.blocks:
            x, skip = block(x)  # (B, R, T), (B, S, T)
            skips.append(skip)
        total = sum(skips[1:], skips[0])  # (B, S, T)
        scores: Tensor = self.end2(F.relu(self.end1(F.relu(total))))  # (B, C, T)
        return scores
