"""A layer norm over the channels of maps, whose channels come first.

B batch, D channels, X one to three spatial dimensions.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import Shape
from archscope.theory.counts import ClosedForm, normalisation


class ChannelsFirstNorm(nn.LayerNorm):
    """LayerNorm over the channels of (B, D, X), at each position by itself."""

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, D, X)."""
        last = x.movedim(1, -1).contiguous()  # (B, X, D)
        normed = F.layer_norm(last, self.normalized_shape, self.weight, self.bias, self.eps)
        return normed.movedim(-1, 1)

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """A scale and a shift for each channel."""
        return normalisation(width=self.normalized_shape[0], weight=True, bias=True)
