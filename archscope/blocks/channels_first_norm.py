"""Layer normalisation of maps whose channels come before their positions.

B batch, D channels, X x Y positions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape
from archscope.theory.counts import ClosedForm, normalisation


class ChannelsFirstNorm(nn.LayerNorm):
    """LayerNorm over the channels of (B, D, X, Y)."""

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, D, X, Y)."""
        last = x.permute(0, 2, 3, 1).contiguous()  # (B, X, Y, D)
        normed = F.layer_norm(last, self.normalized_shape, self.weight, self.bias, self.eps)
        return normed.permute(0, 3, 1, 2)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """A scale and a shift for each channel."""
        return normalisation(width=self.normalized_shape[0], weight=True, bias=True)
