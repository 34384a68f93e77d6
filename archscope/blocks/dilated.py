"""Causal dilated convolutions of sequences: plain, and with their weights normalised.

B batch, I channels in, O channels out, T positions, K taps.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape
from archscope.theory.counts import ClosedForm, positions_of, weight_normalised


class CausalConv1d(nn.Module):
    """A convolution whose padding is all before the first position."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.past = (kernel - 1) * dilation
        self.conv = nn.Conv1d(inputs, outputs, kernel, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, T), return (B, O, T)."""
        out: Tensor = self.conv(F.pad(x, (self.past, 0)))
        return out


class WeightNormCausalConv1d(nn.Module):
    """The same with weight g v / |v|, one g for each output channel (Salimans & Kingma 2016)."""

    archscope_component = "conv_spatial"

    def __init__(self, inputs: int, outputs: int, kernel: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.dilation = dilation
        self.past = (kernel - 1) * dilation
        plain = nn.Conv1d(inputs, outputs, kernel)
        self.weight_v = plain.weight  # (O, I, K)
        self.weight_g = nn.Parameter(torch.ones(outputs, 1, 1))
        self.bias = plain.bias

    def forward(self, x: Tensor) -> Tensor:
        """Take (B, I, T), return (B, O, T)."""
        norm = self.weight_v.pow(2).sum((1, 2), keepdim=True).pow(0.5)  # (O, 1, 1)
        weight = self.weight_v * (self.weight_g / norm)  # (O, I, K)
        return F.conv1d(F.pad(x, (self.past, 0)), weight, self.bias, dilation=self.dilation)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """As a convolution, with one more parameter for each output channel."""
        outputs, channels, kernel = self.weight_v.shape
        return weight_normalised(
            positions=positions_of(output), inputs=channels, outputs=outputs, kernel=kernel
        )
