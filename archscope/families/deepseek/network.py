"""DeepSeek-V2 and V3: latent attention, and experts of which some are shared by all tokens.

DeepSeek-AI 2024, DeepSeek-V2, section 2, and DeepSeek-V3, section 2.1. B batch, S positions, N
tokens, D width of the model, E routed experts, k of them per token, V vocabulary. Left out: the
prediction of further tokens, which is for training, the limit on how many machines a token's
experts are on, which changes the choice but not the work, and the loss that balances them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.feedforward import Experts, GatedFeedForward
from archscope.blocks.latent_attention import LatentAttention
from archscope.blocks.norm_place import PreNormBlock
from archscope.blocks.plan import Numbered
from archscope.blocks.stack import stack
from archscope.families.deepseek.spec import DENSE, DeepSeekSpec


class DeepSeek(nn.Module):
    """Takes tokens (B, S), returns scores (B, S, V)."""

    def __init__(self, spec: DeepSeekSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        norm = partial(nn.RMSNorm, spec.d_model)
        self.tok_emb = part("embeddings", nn.Embedding(spec.vocab_size, spec.d_model))

        def block(block: Numbered) -> PreNormBlock:
            dense = block.kind == DENSE
            mlp = _gated(spec, spec.d_ff) if dense else SharedAndRoutedExperts(spec)
            attention = LatentAttention(
                spec.d_model,
                spec.heads,
                q_rank=spec.q_rank,
                kv_rank=spec.kv_rank,
                nope_dim=spec.nope_dim,
                rope_dim=spec.rope_dim,
                value_dim=spec.value_dim,
            )
            return PreNormBlock(norm, attention, mlp)

        self.blocks = stack(plan, block)
        self.ln_f = norm()
        self.lm_head = part("head", nn.Linear(spec.d_model, spec.vocab_size, bias=False))

    def forward(self, tokens: Tensor) -> Tensor:
        """Take (B, S), return (B, S, V)."""
        x = self.tok_emb(tokens)  # (B, S, D)
        for block in self.blocks:
            x = block(x)  # (B, S, D)
        scores: Tensor = self.lm_head(self.ln_f(x))  # (B, S, V)
        return scores


class SharedAndRoutedExperts(nn.Module):
    """Experts that see every token, and k that a router chooses for each (V3, eq. 12 to 16).

    With `balanced` routing the router's scores are sigmoids, a bias that no gradient reaches is
    added to choose experts, and the weights of the chosen add up to 1. Without it the scores are
    a softmax over all experts, and weigh as they are.
    """

    archscope_component = "ffn_experts"

    def __init__(self, spec: DeepSeekSpec) -> None:
        super().__init__()
        self.top_k = spec.top_k
        self.balanced = spec.routing == "balanced"
        self.router = part("router", nn.Linear(spec.d_model, spec.experts, bias=False))
        bias = torch.zeros(spec.experts) if self.balanced else None
        self.register_buffer("balance", bias)
        self.balance: Tensor | None
        self.experts = Experts(
            spec.d_model, spec.expert_ff, spec.experts, spec.top_k, activation="swiglu", bias=False
        )
        wide = spec.shared_experts * spec.expert_ff  # side by side they are one wide expert
        self.shared = part("ffn_shared_experts", _gated(spec, wide)) if wide else None

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        rows = x.flatten(0, -2)  # (N, D)
        weight, expert = self._route(rows)  # 2 x (N, k)
        out = self.experts(rows.repeat_interleave(self.top_k, 0), expert.flatten())  # (N k, D)
        out = out.view(-1, self.top_k, x.shape[-1]) * weight[..., None]  # (N, k, D)
        answer: Tensor = out.sum(1).view_as(x)  # (B, S, D)
        return answer if self.shared is None else answer + self.shared(x)

    def _route(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return weight and number of each token's experts, both (N, k)."""
        logits = self.router(rows)  # (N, E)
        if self.balance is None:
            weight, expert = logits.softmax(-1).topk(self.top_k)
            return weight, expert
        score = logits.sigmoid()  # (N, E)
        chosen, expert = (score + self.balance).topk(self.top_k)  # 2 x (N, k)
        # The bias chooses, but does not weigh.
        weight = chosen - F.embedding(expert, self.balance[:, None]).squeeze(-1)  # (N, k)
        return weight / weight.sum(-1, keepdim=True), expert


def _gated(spec: DeepSeekSpec, hidden: int) -> GatedFeedForward:
    return GatedFeedForward(spec.d_model, hidden, activation="swiglu", bias=False)
