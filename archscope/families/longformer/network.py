"""Longformer: an encoder whose tokens attend to a window, and to a few tokens that see all.

Beltagy et al. 2020, section 3, in the form of the authors' sliding chunks. B batch, S positions, D
width of the model, H heads, d width of a head, w tokens on one side of a window, n = S / w blocks
of tokens, G global tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.attention import ScaledDotProduct
from archscope.blocks.components import Shape, part
from archscope.blocks.feedforward import FeedForward
from archscope.blocks.head_axis import join_heads, split_heads
from archscope.blocks.norm_place import PostNormBlock
from archscope.blocks.plan import Numbered
from archscope.blocks.stack import stack
from archscope.families.longformer.spec import LongformerSpec
from archscope.theory import mixing_counts
from archscope.theory.counts import ClosedForm


class Longformer(nn.Module):
    """Takes tokens (B, S); returns features (B, S, D) and the pooled first position (B, D).

    Tokens are padded to a multiple of the window, as the sliding chunks need it.
    """

    def __init__(self, spec: LongformerSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        width = spec.d_model
        norm = partial(nn.LayerNorm, width)
        self.window = spec.window
        self.tok_emb = part("embeddings", nn.Embedding(spec.vocab_size, width))
        places = spec.max_positions or spec.padded_length
        self.pos_emb = part("embeddings", nn.Embedding(places, width))
        self.type_emb = part("embeddings", nn.Embedding(1, width))
        self.ln_emb = norm()

        def block(_: Numbered) -> PostNormBlock:
            mlp = FeedForward(width, spec.d_ff, activation="gelu")
            return PostNormBlock(norm, LongformerAttention(spec), mlp)

        self.blocks = stack(plan, block)
        self.pooler = part("pooler", nn.Linear(width, width))

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Take (B, S), return (B, S, D) and (B, D)."""
        length = tokens.shape[1]
        tokens = F.pad(tokens, (0, -length % self.window)) if length % self.window else tokens
        places = torch.arange(tokens.shape[1], device=tokens.device)  # (S,)
        x = self.tok_emb(tokens) + self.pos_emb(places) + self.type_emb(places[:1] * 0)
        x = self.ln_emb(x)  # (B, S, D)
        for block in self.blocks:
            x = block(x, length)  # (B, S, D)
        return x[:, :length], self.pooler(x[:, 0]).tanh()


class LongformerAttention(nn.Module):
    """Attention to a window and to G global tokens, which have projections of their own.

    Without global tokens those projections are held, but not run.
    """

    archscope_component = "attention"

    def __init__(self, spec: LongformerSpec) -> None:
        super().__init__()
        linear = partial(nn.Linear, spec.d_model, spec.d_model)
        self.heads = spec.heads
        self.global_tokens = spec.global_tokens
        self.q, self.k, self.v = linear(), linear(), linear()
        self.q_global, self.k_global, self.v_global = linear(), linear(), linear()
        self.sliding = SlidingChunks(spec.window // 2, spec.global_tokens)
        self.full = ScaledDotProduct(causal=False) if spec.global_tokens else None
        self.proj = linear()

    def forward(self, x: Tensor, length: int) -> Tensor:
        """Take (B, S, D), of which `length` positions are no padding; return (B, S, D)."""
        q, k, v = (split_heads(layer(x), self.heads) for layer in (self.q, self.k, self.v))
        out = self.sliding(q, k, v, length)  # (B, H, S, d)
        if self.full is not None:
            q = split_heads(self.q_global(x[:, : self.global_tokens]), self.heads)  # (B, H, G, d)
            everything = (self.k_global(x[:, :length]), self.v_global(x[:, :length]))
            k, v = (split_heads(y, self.heads) for y in everything)  # 2 x (B, H, S, d)
            out = torch.cat((self.full(q, k, v), out[:, :, self.global_tokens :]), 2)
        joined: Tensor = self.proj(join_heads(out))  # (B, S, D)
        return joined


class SlidingChunks(nn.Module):
    """Attention to w tokens on each side and to the first G, from products of whole blocks.

    Scores come from overlapping chunks of two blocks, so that most are computed twice; values from
    three blocks at once. Multiplied but not used: (S - w) 4w d + S 3w d for S (2w + 1) 2d.
    """

    def __init__(self, one_sided: int, global_tokens: int) -> None:
        super().__init__()
        self.one_sided = one_sided
        self.global_tokens = global_tokens

    def forward(self, q: Tensor, k: Tensor, v: Tensor, length: int) -> Tensor:
        """Take three of (B, H, S, d), of which `length` are no padding; return (B, H, S, d)."""
        few = self.global_tokens
        w = self.one_sided
        scores = self._band(q, k) * q.shape[-1] ** -0.5  # (B, H, n, w, 3 w)
        scores = scores.masked_fill(self._hidden(q, length), -torch.inf)
        if few:
            first = (q @ k[:, :, :few].transpose(-1, -2)) * q.shape[-1] ** -0.5  # (B, H, S, G)
            scores = torch.cat((first.unflatten(2, (-1, w)), scores), -1)  # (B, H, n, w, G + 3 w)
        weights = scores.softmax(-1)
        values = F.pad(v, (0, 0, w, w)).unfold(2, 3 * w, w)  # (B, H, n, d, 3 w)
        out = weights[..., few:] @ values.transpose(-1, -2)  # (B, H, n, w, d)
        if few:
            out = out + weights[..., :few] @ v[:, :, None, :few]  # (B, H, n, w, d)
        answer: Tensor = out.flatten(2, 3)  # (B, H, S, d)
        return answer

    def archscope_closed_form(self, inputs: Sequence[Shape], output: Shape) -> ClosedForm:
        """Scores of n - 1 pairs of blocks, values of n triples, and both of the global tokens."""
        batch, heads, length, width = inputs[0]
        return mixing_counts.sliding_chunks(
            batch=batch,
            heads=heads,
            length=length,
            one_sided=self.one_sided,
            width=width,
            global_tokens=self.global_tokens,
        )

    def _band(self, q: Tensor, k: Tensor) -> Tensor:
        """Return the scores of each block with itself and its neighbours, (B, H, n, w, 3 w)."""
        w = self.one_sided
        queries, keys = (x.unfold(2, 2 * w, w) for x in (q, k))  # 2 x (B, H, n - 1, d, 2 w)
        pairs = queries.transpose(-1, -2) @ keys  # (B, H, n - 1, 2 w, 2 w)
        before = F.pad(pairs[..., w:, :w], (0, 0, 0, 0, 1, 0))  # (B, H, n, w, w)
        itself = torch.cat((pairs[..., :w, :w], pairs[:, :, -1:, w:, w:]), 2)  # (B, H, n, w, w)
        after = F.pad(pairs[..., :w, w:], (0, 0, 0, 0, 0, 1))  # (B, H, n, w, w)
        return torch.cat((before, itself, after), -1)

    def _hidden(self, q: Tensor, length: int) -> Tensor:
        """Return which of them are no keys of the window, (n, w, 3 w)."""
        w = self.one_sided
        query = torch.arange(q.shape[2], device=q.device).view(-1, w, 1)  # (n, w, 1)
        key = query[:, :1] + torch.arange(-w, 2 * w, device=q.device)  # (n, 1, 3 w)
        outside = (key < self.global_tokens) | (key >= length)  # (n, 1, 3 w)
        # Padding sees itself, or it would see nothing, and a softmax over nothing is not a number.
        alone = (key == query) & (query >= length)  # (n, w, 3 w)
        return (outside & ~alone) | ((key - query).abs() > w)
