"""Blocks of two parts, a mixer of positions and a feed-forward, with norms before or after each.

B batch, ... positions, D width of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

Norm = Callable[[], nn.Module]


class PreNormBlock(nn.Module):
    """x + part(norm(x)) for both parts, so that the sum itself is never normalised."""

    def __init__(self, norm: Norm, attention: nn.Module, feed_forward: nn.Module) -> None:
        super().__init__()
        self.ln_1 = norm()
        self.attn = attention
        self.ln_2 = norm()
        self.mlp = feed_forward

    def forward(self, x: Tensor, *context: Any) -> Tensor:
        """Take (B, ..., D) and what the attention needs beside it; return (B, ..., D)."""
        x = x + self.attn(self.ln_1(x), *context)
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class PostNormBlock(nn.Module):
    """norm(x + part(x)) for both parts (Vaswani et al. 2017, section 3.1)."""

    def __init__(self, norm: Norm, attention: nn.Module, feed_forward: nn.Module) -> None:
        super().__init__()
        self.attn = attention
        self.ln_1 = norm()
        self.mlp = feed_forward
        self.ln_2 = norm()

    def forward(self, x: Tensor, *context: Any) -> Tensor:
        """Take (B, ..., D) and what the attention needs beside it; return (B, ..., D)."""
        x = self.ln_1(x + self.attn(x, *context))
        out: Tensor = self.ln_2(x + self.mlp(x))
        return out
