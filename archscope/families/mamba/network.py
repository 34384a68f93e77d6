"""Mamba language models (Gu & Dao 2023, section 3.4; Dao & Gu 2024, section 7).

B batch, S positions, D width of the model, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.plan import Numbered
from archscope.blocks.stack import stack
from archscope.blocks.state_space import StateSpaceMixer
from archscope.blocks.state_space_dual import DualStateSpaceMixer
from archscope.families.mamba.spec import MambaSpec


class Mamba(nn.Module):
    """Takes tokens (B, S); returns scores (B, S, V)."""

    def __init__(self, spec: MambaSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        self.tok_emb = part("embeddings", nn.Embedding(spec.vocab_size, spec.d_model))
        self.blocks = stack(plan, lambda _: MambaBlock(spec))
        self.norm = nn.RMSNorm(spec.d_model)
        self.lm_head = part("head", nn.Linear(spec.d_model, spec.vocab_size, bias=False))
        if spec.tied:
            self.lm_head.weight = self.tok_emb.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """Take (B, S), return (B, S, V)."""
        x = self.tok_emb(tokens)  # (B, S, D)
        for block in self.blocks:
            x = block(x)  # (B, S, D)
        scores: Tensor = self.lm_head(self.norm(x))  # (B, S, V)
        return scores


class MambaBlock(nn.Module):
    """x + mixer(norm(x)): the mixer holds what a feed-forward does elsewhere."""

    def __init__(self, spec: MambaSpec) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(spec.d_model)
        self.mixer = _mixer(spec)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        out: Tensor = x + self.mixer(self.norm(x))
        return out


def _mixer(spec: MambaSpec) -> nn.Module:
    shared: dict[str, Any] = {
        "state": spec.state,
        "taps": spec.kernel_size,
        "expand": spec.expansion,
        "bias": spec.bias,
        "conv_bias": spec.conv_bias,
    }
    if spec.version == "v1":
        norm = partial(nn.RMSNorm, elementwise_affine=False) if spec.inner_norm else None
        return StateSpaceMixer(spec.d_model, rank=spec.step_rank, norm=norm, **shared)
    return DualStateSpaceMixer(spec.d_model, head_dim=spec.head_width, chunk=spec.chunk, **shared)
