"""WaveNet (van den Oord et al. 2016, section 2).

B batch, C values of a sample, R residual channels, D dilation channels, S skip channels,
T samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.dilated import CausalConv1d
from archscope.blocks.stack import stack
from archscope.families.wavenet.spec import Block, WaveNetSpec


class WaveNetBlock(nn.Module):
    """z = tanh(filter(x)) * sigmoid(gate(x)), equation 2; out go x + residual(z) and skip(z).

    The skips of all blocks are added up on the way, so that a block can stand for others.
    """

    def __init__(self, spec: WaveNetSpec, block: Block) -> None:
        super().__init__()
        through, within = spec.residual_channels, spec.dilation_channels
        # Filter and gate side by side.
        self.dilated = CausalConv1d(through, 2 * within, spec.kernel_size, dilation=block.dilation)
        self.residual = nn.Conv1d(within, through, 1)
        self.skip = nn.Conv1d(within, spec.skip_channels, 1)

    def forward(self, x: Tensor, skips: Tensor | None) -> tuple[Tensor, Tensor]:
        """Take (B, R, T) and the skips before it (B, S, T), return (B, R, T) and (B, S, T)."""
        filtered, gate = self.dilated(x).chunk(2, 1)  # both (B, D, T)
        z = torch.tanh(filtered) * torch.sigmoid(gate)  # (B, D, T)
        skip: Tensor = self.skip(z)  # (B, S, T)
        return x + self.residual(z), skip if skips is None else skips + skip


class WaveNet(nn.Module):
    """Blocks whose skips are added up, and two convolutions of kernel size 1 (figure 4)."""

    def __init__(self, spec: WaveNetSpec, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.causal = CausalConv1d(spec.classes, spec.residual_channels, spec.kernel_size)
        self.blocks = stack(blocks, partial(WaveNetBlock, spec))
        self.end1 = nn.Conv1d(spec.skip_channels, spec.skip_channels, 1)
        self.end2 = nn.Conv1d(spec.skip_channels, spec.classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Take samples one-hot (B, C, T), return scores of the next samples (B, C, T)."""
        x = self.causal(x)  # (B, R, T)
        first, *others = self.blocks
        x, skips = first(x, None)  # (B, R, T), (B, S, T)
        for block in others:
            x, skips = block(x, skips)  # (B, R, T), (B, S, T)
        scores: Tensor = self.end2(F.relu(self.end1(F.relu(skips))))  # (B, C, T)
        return scores
