"""Transformers of any `TransformerSpec`: one stack of blocks, or an encoder and a decoder.

B batch, S positions, T positions of a target, D width of the model, E width of the embeddings, V
vocabulary, C classes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from archscope.blocks.block import Block, Part, make_norm
from archscope.blocks.components import part
from archscope.blocks.examples import features, tokens
from archscope.blocks.heads import Output, outputs, pooled_head, vocabulary_head
from archscope.blocks.positions import sinusoids
from archscope.subject import Inputs

if TYPE_CHECKING:
    from archscope.families.transformer.spec import TransformerSpec


def build(spec: TransformerSpec, *, folded: bool) -> nn.Module:
    """Build the network of `spec`; folded, with only the first of each kind of block."""
    if spec.arch == "encoder-decoder":
        return EncoderDecoder(spec, folded=folded)
    return Transformer(spec, folded=folded)


def example_inputs(spec: TransformerSpec) -> Inputs:
    """Return random tokens or features of the spec's shape on torch's default device."""
    lengths = (
        (spec.seq_len, spec.target_length) if spec.arch == "encoder-decoder" else (spec.seq_len,)
    )
    if spec.vocab_size:
        args = tuple(tokens(spec.batch_size, n, words=spec.vocab_size) for n in lengths)
    else:
        args = tuple(features(spec.batch_size, n, spec.d_model) for n in lengths)
    if not spec.token_types:
        return Inputs(args=args)
    types = tokens(spec.batch_size, spec.seq_len, words=spec.token_types)
    return Inputs(args=args, kwargs={"token_types": types})


class Transformer(nn.Module):
    """An encoder or a decoder: embeddings, blocks, final norm, heads.

    Takes tokens (B, S), or features (B, S, D) where there is no vocabulary. Returns scores
    (B, S, V), without a head features (B, S, D); and beside them the pooled position, (B, D) or
    (B, C), where there is a pooler or a classifier.
    """

    def __init__(self, spec: TransformerSpec, *, folded: bool = False) -> None:
        super().__init__()
        self.sinusoidal = spec.positions == "sinusoidal"
        self.tok_emb = _table(spec, spec.vocab_size)
        self.pos_emb = _table(spec, _position_rows(spec, spec.seq_len))
        self.type_emb = _table(spec, spec.token_types)
        self.ln_emb = make_norm(spec, spec.table_width) if spec.embedding_norm else None
        self.proj_emb = _projection(spec)
        self.passes = _passes(spec, spec.depth, folded=folded)
        self.blocks = _stack(spec, spec.depth, folded, causal=spec.sees_only_past)
        self.ln_f = make_norm(spec, spec.d_model) if spec.ends_normalised else None
        self.lm_head = vocabulary_head(spec, self.tok_emb)
        self.pooled = pooled_head(spec)

    def forward(self, tokens: Tensor, token_types: Tensor | None = None) -> Output:
        """Take (B, S) or (B, S, D), and token types (B, S)."""
        x = _embed(tokens, self.tok_emb, self.pos_emb, sinusoidal=self.sinusoidal)  # (B, S, E)
        if self.type_emb is not None and token_types is not None:
            x = x + self.type_emb(token_types)  # (B, S, E)
        x = _enter(x, self.ln_emb, self.proj_emb)  # (B, S, D)
        x = _run(x, self.blocks, self.passes, self.ln_f)  # (B, S, D)
        return outputs(x, self.lm_head, self.pooled)


class EncoderDecoder(nn.Module):
    """An encoder, and a decoder whose blocks also attend to what the encoder returns.

    Takes a source (B, S) and a target (B, T), or features of width D. Returns what `Transformer`
    returns, for the target.
    """

    def __init__(self, spec: TransformerSpec, *, folded: bool = False) -> None:
        super().__init__()
        norm = partial(make_norm, spec, spec.d_model)
        self.sinusoidal = spec.positions == "sinusoidal"
        self.tok_emb = _table(spec, spec.vocab_size)
        self.pos_emb = _table(spec, _position_rows(spec, spec.seq_len))
        self.ln_emb = make_norm(spec, spec.table_width) if spec.embedding_norm else None
        self.proj_emb = _projection(spec)
        self.passes = _passes(spec, spec.depth, folded=folded)
        self.encoder = _stack(spec, spec.depth, folded, causal=False)
        self.ln_encoder = norm() if spec.ends_normalised else None
        self.target_tok_emb = None if spec.tied else _table(spec, spec.vocab_size)
        self.target_pos_emb = _table(spec, _position_rows(spec, spec.target_length))
        self.target_ln_emb = make_norm(spec, spec.table_width) if spec.embedding_norm else None
        self.target_proj_emb = None if spec.tied else _projection(spec)
        # The longest path enters the first run from the source, later ones from the run before.
        self.target_passes = _passes(spec, spec.decoder_blocks, folded=False)
        self.decoder = _stack(spec, spec.decoder_blocks, folded, causal=True, cross=True)
        self.ln_f = norm() if spec.ends_normalised else None
        self.lm_head = vocabulary_head(spec, self.tok_emb)
        self.pooled = pooled_head(spec)

    def forward(self, source: Tensor, target: Tensor) -> Output:
        """Take (B, S) and (B, T), or (B, S, D) and (B, T, D)."""
        memory = _embed(source, self.tok_emb, self.pos_emb, sinusoidal=self.sinusoidal)
        memory = _enter(memory, self.ln_emb, self.proj_emb)  # (B, S, D)
        memory = _run(memory, self.encoder, self.passes, self.ln_encoder)  # (B, S, D)
        table = self.target_tok_emb or self.tok_emb
        x = _embed(target, table, self.target_pos_emb, sinusoidal=self.sinusoidal)  # (B, T, E)
        x = _enter(x, self.target_ln_emb, self.target_proj_emb or self.proj_emb)  # (B, T, D)
        x = _run(x, self.decoder, self.target_passes, self.ln_f, memory)  # (B, T, D)
        return outputs(x, self.lm_head, self.pooled)


def _table(spec: TransformerSpec, rows: int) -> nn.Embedding | None:
    return part("embeddings", nn.Embedding(rows, spec.table_width)) if rows else None


def _projection(spec: TransformerSpec) -> nn.Linear | None:
    if spec.embedding_dim is None:
        return None
    return part("embeddings", nn.Linear(spec.embedding_dim, spec.d_model, bias=spec.bias))


def _passes(spec: TransformerSpec, depth: int, *, folded: bool) -> int:
    """Return how often the blocks that there are run one after the other."""
    return depth if spec.shared_blocks and not folded else 1


def _position_rows(spec: TransformerSpec, length: int) -> int:
    return (spec.max_positions or length) if spec.positions == "learned" else 0


def _stack(
    spec: TransformerSpec, depth: int, folded: bool, *, causal: bool, cross: bool = False
) -> nn.ModuleList:
    alone = folded or spec.shared_blocks
    chosen = [group[0] for group in spec.alike(depth, cross=cross)] if alone else range(depth)
    blocks = nn.ModuleList()
    for number in chosen:
        block = Block(spec, number, causal=causal, cross=cross)
        blocks.add_module(str(number), block)
    return blocks


def _embed(
    tokens: Tensor, tok_emb: nn.Module | None, pos_emb: nn.Module | None, *, sinusoidal: bool
) -> Tensor:
    x: Tensor = tokens if tok_emb is None else tok_emb(tokens)  # (B, S, E)
    if pos_emb is not None:
        x = x + pos_emb(torch.arange(x.shape[1], device=x.device))  # (S, E)
    return x + sinusoids(x) if sinusoidal else x


def _enter(x: Tensor, *parts: Part | None) -> Tensor:
    for each in parts:
        x = x if each is None else each(x)
    return x


def _run(
    x: Tensor, blocks: nn.ModuleList, passes: int, last: Part | None, *memory: Tensor
) -> Tensor:
    for _ in range(passes):
        for block in blocks:
            x = block(x, *memory)
    return x if last is None else last(x)
