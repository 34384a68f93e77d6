"""Temporal convolutional networks (Bai, Kolter & Koltun 2018, section 3), named as by the authors.

B batch, I channels in, O channels out, C outputs, T positions.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.dilated import WeightNormCausalConv1d
from archscope.families.tcn.spec import TcnSpec


class TemporalBlock(nn.Module):
    """relu(relu(conv2(relu(conv1(x)))) + x), the sum through kernel size 1 if channels differ."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, dilation: int) -> None:
        super().__init__()
        self.conv1 = WeightNormCausalConv1d(inputs, outputs, kernel, dilation=dilation)
        self.conv2 = WeightNormCausalConv1d(outputs, outputs, kernel, dilation=dilation)
        self.downsample = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, T), return (B, O, T)."""
        y = F.relu(self.conv2(F.relu(self.conv1(x))))  # (B, O, T)
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Tcn(nn.Module):
    """Residual blocks of growing dilation and a linear layer on the last position or on each."""

    def __init__(self, spec: TcnSpec) -> None:
        super().__init__()
        self.network = nn.Sequential()
        channels = spec.in_channels
        for level in range(spec.levels):
            self.network.append(
                TemporalBlock(channels, spec.hidden_channels, spec.kernel_size, dilation=2**level)
            )
            channels = spec.hidden_channels
        self.linear = part("head", nn.Linear(channels, spec.classes))
        self.reads = spec.reads

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, T), return (B, C) of the last position or (B, T, C)."""
        x = self.network(x)  # (B, O, T)
        read = x[..., -1] if self.reads == "last" else x.transpose(1, 2)  # (B, O) or (B, T, O)
        scores: Tensor = self.linear(read)
        return scores
