"""Whisper (Radford et al. 2022, section 2.2), named as in the authors' code.

B batch, M channels of the spectrogram, F its frames, S positions of the encoder, T tokens,
D width of the model, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archscope.blocks.attention import Attention, ScaledDotProduct
from archscope.blocks.block import Block
from archscope.blocks.components import part
from archscope.blocks.feedforward import FeedForward
from archscope.blocks.plan import Numbered, lists
from archscope.blocks.positions import BASE
from archscope.blocks.stack import stack
from archscope.families.whisper.spec import STRIDES, WhisperSpec


class Whisper(nn.Module):
    """Takes a spectrogram (B, M, F) and tokens (B, T); returns scores (B, T, V)."""

    def __init__(self, spec: WhisperSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        stacks = lists(plan)
        self.encoder = AudioEncoder(spec, stacks["encoder.blocks"])
        self.decoder = TextDecoder(spec, stacks["decoder.blocks"])

    def forward(self, spectrogram: Tensor, tokens: Tensor) -> Tensor:
        """Take (B, M, F) and (B, T), return (B, T, V)."""
        scores: Tensor = self.decoder(tokens, self.encoder(spectrogram))  # (B, T, V)
        return scores


class AudioEncoder(nn.Module):
    """Two convolutions, the second of which halves the frames, fixed positions, and blocks."""

    def __init__(self, spec: WhisperSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        width, kernel = spec.d_model, spec.kernel_size
        first, second = STRIDES
        self.conv1 = nn.Conv1d(spec.mel_bins, width, kernel, first, kernel // 2)
        self.conv2 = nn.Conv1d(width, width, kernel, second, kernel // 2)
        # A buffer in the authors' code, parameters that are not trained in transformers'.
        table = nn.Embedding.from_pretrained(_sinusoids(spec.source_positions, width), freeze=True)
        self.pos_emb = part("embeddings", table)
        self.blocks = stack(plan, lambda _: _block(spec, causal=False, cross=False))
        self.ln_post = nn.LayerNorm(width)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Take (B, M, F), return (B, S, D)."""
        x = F.gelu(self.conv1(spectrogram))  # (B, D, F)
        x = F.gelu(self.conv2(x)).transpose(1, 2)  # (B, S, D)
        x = x + self.pos_emb(torch.arange(x.shape[1], device=x.device))  # (B, S, D)
        for block in self.blocks:
            x = block(x)  # (B, S, D)
        out: Tensor = self.ln_post(x)  # (B, S, D)
        return out


class TextDecoder(nn.Module):
    """Tokens and their positions, blocks that attend to the encoder too, and the table again."""

    def __init__(self, spec: WhisperSpec, plan: Sequence[Numbered]) -> None:
        super().__init__()
        width = spec.d_model
        self.tok_emb = part("embeddings", nn.Embedding(spec.vocab_size, width))
        self.pos_emb = part("embeddings", nn.Embedding(spec.target_positions, width))
        self.blocks = stack(plan, lambda _: _block(spec, causal=True, cross=True))
        self.ln = nn.LayerNorm(width)
        self.lm_head = part("head", nn.Linear(width, spec.vocab_size, bias=False))
        self.lm_head.weight = self.tok_emb.weight

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        """Take (B, T) and (B, S, D), return (B, T, V)."""
        places = torch.arange(tokens.shape[1], device=tokens.device)  # (T,)
        x = self.tok_emb(tokens) + self.pos_emb(places)  # (B, T, D)
        for block in self.blocks:
            x = block(x, memory)  # (B, T, D)
        scores: Tensor = self.lm_head(self.ln(x))  # (B, T, V)
        return scores


def _block(spec: WhisperSpec, *, causal: bool, cross: bool) -> Block:
    attention = partial(Attention, spec.d_model, spec.heads, key_bias=False)
    return Block(
        partial(nn.LayerNorm, spec.d_model),
        attention(ScaledDotProduct(causal=causal)),
        cross=attention(ScaledDotProduct(causal=False), cross=True) if cross else None,
        mlp=FeedForward(spec.d_model, spec.d_ff, activation="gelu"),
        norm_place="pre",
        parallel=False,
        shared_norm=False,
    )


def _sinusoids(positions: int, width: int) -> Tensor:
    """Return sines, then cosines of each position (S, D), the longest wave in the last of each."""
    longest = max(width // 2 - 1, 1)
    rates = BASE ** (-torch.arange(width // 2) / longest)  # (D/2,)
    angles = torch.arange(positions)[:, None] * rates  # (S, D/2)
    return torch.cat((angles.sin(), angles.cos()), dim=1)  # (S, D)
