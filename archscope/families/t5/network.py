"""T5 and Switch: an encoder and a decoder whose attention knows positions by a bias alone.

Raffel et al. 2020, Exploring the Limits of Transfer Learning, section 2.1; Fedus et al. 2022,
Switch Transformers. B batch, S positions of the source, T of the target, D width of the model,
H heads, d width of a head (H d need not be D), F hidden width, E experts, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from archscope.blocks.components import part
from archscope.blocks.feedforward import GATED, Experts, FeedForward, GatedFeedForward
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.blocks.plan import Numbered, lists
from archscope.blocks.relative_positions import BiasedDotProduct, RelativeBias
from archscope.blocks.stack import stack
from archscope.families.t5.spec import SPARSE, T5Spec


class T5(nn.Module):
    """Takes a source (B, S) and a target (B, T); returns scores (B, T, V)."""

    def __init__(self, spec: T5Spec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        self.tok_emb = part("embeddings", nn.Embedding(spec.vocab_size, spec.d_model))
        stacks = lists(plan)
        self.encoder = Stack(spec, stacks["encoder.blocks"], decodes=False)
        self.decoder = Stack(spec, stacks["decoder.blocks"], decodes=True)
        self.lm_head = part("head", nn.Linear(spec.d_model, spec.vocab_size, bias=False))
        # A table that is read both ways has the scale of its inputs; scores need a smaller one.
        self.scale = spec.d_model**-0.5 if spec.tied else 1.0
        if spec.tied:
            self.lm_head.weight = self.tok_emb.weight

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Take (B, S) and (B, T), return (B, T, V)."""
        memory = self.encoder(self.tok_emb(source))  # (B, S, D)
        x = self.decoder(self.tok_emb(target), memory)  # (B, T, D)
        scores: Tensor = self.lm_head(x * self.scale)  # (B, T, V)
        return scores


class Stack(nn.Module):
    """Blocks that share one relative bias, and a last norm."""

    def __init__(self, spec: T5Spec, plan: Sequence[Numbered], *, decodes: bool) -> None:
        super().__init__()
        self.bias = RelativeBias(
            spec.buckets, spec.heads, max_distance=spec.max_distance, causal=decodes
        )
        self.blocks = stack(
            plan, lambda block: T5Block(spec, sparse=block.kind == SPARSE, cross=decodes)
        )
        self.norm = nn.RMSNorm(spec.d_model)

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        """Take (B, S, D), in a decoder (B, T, D) and (B, S, D); return the first's shape."""
        bias = self.bias(x)  # (H, S, S), in a decoder (H, T, T)
        for block in self.blocks:
            x = block(x, bias, memory)
        out: Tensor = self.norm(x)
        return out


class T5Block(nn.Module):
    """Self-attention, attention to the source in a decoder, feed-forward; norms before each."""

    def __init__(self, spec: T5Spec, *, sparse: bool, cross: bool) -> None:
        super().__init__()
        self.ln_1 = nn.RMSNorm(spec.d_model)
        self.attn = T5Attention(spec)
        self.ln_cross = nn.RMSNorm(spec.d_model) if cross else None
        self.cross = T5Attention(spec) if cross else None
        self.ln_2 = nn.RMSNorm(spec.d_model)
        self.mlp = _feed_forward(spec, sparse=sparse)

    def forward(self, x: Tensor, bias: Tensor, memory: Tensor | None = None) -> Tensor:
        """Take (B, T, D), the bias (H, T, T) and, in a decoder, the source (B, S, D)."""
        y = self.ln_1(x)
        x = x + self.attn(y, y, bias)  # (B, T, D)
        if self.cross is not None and self.ln_cross is not None:
            x = x + self.cross(self.ln_cross(x), memory)  # (B, T, D)
        out: Tensor = x + self.mlp(self.ln_2(x))  # (B, T, D)
        return out


class T5Attention(nn.Module):
    """Attention without biases of its own, from D features to H heads of d and back."""

    archscope_component = "attention"

    def __init__(self, spec: T5Spec) -> None:
        super().__init__()
        self.heads = spec.heads
        inner = spec.heads * spec.head_dim
        self.q = nn.Linear(spec.d_model, inner, bias=False)
        self.k = nn.Linear(spec.d_model, inner, bias=False)
        self.v = nn.Linear(spec.d_model, inner, bias=False)
        # The scale 1 / sqrt(d) is in the initial weights of q instead.
        self.sdpa = BiasedDotProduct(scale=1.0)
        self.proj = nn.Linear(inner, spec.d_model, bias=False)

    def forward(self, x: Tensor, source: Tensor, bias: Tensor | None = None) -> Tensor:
        """Take queries from (B, T, D), keys from (B, S, D) and a bias (H, T, S)."""
        mask = None if bias is None else bias[None]  # (1, H, T, S)
        q, k, v = (
            split_heads(part, self.heads) for part in (self.q(x), self.k(source), self.v(source))
        )
        out = self.sdpa(q, k, v, mask)  # (B, H, T, d)
        joined: Tensor = self.proj(join_heads(out))  # (B, T, D)
        return joined


class SwitchFeedForward(nn.Module):
    """Each token goes through its best expert alone, weighed by the router's probability.

    No token is dropped: experts have no capacity to exceed.
    """

    archscope_component = "ffn_experts"

    def __init__(self, spec: T5Spec) -> None:
        super().__init__()
        self.router = part("router", nn.Linear(spec.d_model, spec.experts, bias=False))
        self.experts = Experts(
            spec.d_model, spec.d_ff, spec.experts, 1, activation=spec.activation, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """Take and return (B, S, D)."""
        rows = x.flatten(0, -2)  # (B S, D)
        gate, expert = self.router(rows).softmax(-1).topk(1)  # 2 x (B S, 1)
        answer: Tensor = self.experts(rows, expert.flatten()) * gate  # (B S, D)
        return answer.view_as(x)


def _feed_forward(spec: T5Spec, *, sparse: bool) -> nn.Module:
    if sparse:
        return SwitchFeedForward(spec)
    kind = GatedFeedForward if spec.activation in GATED else FeedForward
    return kind(spec.d_model, spec.d_ff, activation=spec.activation, bias=False)
