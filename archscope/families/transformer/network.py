"""Transformers of any `TransformerSpec`: one stack of blocks, or an encoder and a decoder.

B batch, S positions, T positions of a target, D width of the model, E width of the embeddings, V
vocabulary, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

import archscope.families.transformer.arguments as arguments
import archscope.families.transformer.kinds as kinds
from archscope.blocks.attention import Attention, ScaledDotProduct, WindowDotProduct
from archscope.blocks.attention_in_chunks import ChunkDotProduct
from archscope.blocks.block import Block, DilatedMixer, Part
from archscope.blocks.components import part
from archscope.blocks.delta_rule import GatedDeltaNet
from archscope.blocks.feedforward import GATED, FeedForward, GatedFeedForward, MixtureOfExperts
from archscope.blocks.heads import MaskedHead, Output, PooledHead, ProjectedHead, outputs
from archscope.blocks.lightning_attention import LightningAttention
from archscope.blocks.linear_attention import LinearDotProduct
from archscope.blocks.masked_attention import MaskedDotProduct
from archscope.blocks.plan import lists
from archscope.blocks.positions import sinusoids
from archscope.blocks.stack import stack
from archscope.blocks.state_space import StateSpaceMixer
from archscope.blocks.state_space_dual import DualStateSpaceMixer
from archscope.families.transformer.spec import BlockPlan, TransformerSpec


def build(spec: TransformerSpec, plan: Sequence[BlockPlan]) -> nn.Module:
    """Return the network of these blocks."""
    return (EncoderDecoder if spec.has_two_stacks else Transformer)(spec, plan)


class Transformer(nn.Module):
    """An encoder or a decoder: embeddings, blocks, final norm, heads.

    Takes tokens (B, S), or features (B, S, D) where there is no vocabulary. Returns scores
    (B, S, V), without a head features (B, S, D); and beside them the pooled position, (B, D) or
    (B, C), where there is a pooler or a classifier; (B, S, C) where tokens are classified.
    """

    def __init__(self, spec: TransformerSpec, plan: Sequence[BlockPlan]) -> None:
        super().__init__()
        self.sinusoidal = isinstance(spec.positions, kinds.Sinusoidal)
        self.tok_emb = _table(spec, spec.vocab_size)
        self.pos_emb = _table(spec, _position_rows(spec, spec.seq_len))
        self.type_emb = _table(spec, spec.token_types)
        self.ln_emb = _norm(spec, spec.table_width) if spec.embedding_norm else None
        self.proj_emb = _projection(spec)
        self.blocks = stack(plan, partial(_block, spec))
        self.passes = len(plan) // len(self.blocks)
        self.ln_f = _norm(spec, spec.d_model) if spec.ends_normalised else None
        self.lm_head = _vocabulary_head(spec, self.tok_emb)
        self.pooled = _pooled_head(spec)

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

    def __init__(self, spec: TransformerSpec, plan: Sequence[BlockPlan]) -> None:
        super().__init__()
        norm = partial(_norm, spec, spec.d_model)
        self.sinusoidal = isinstance(spec.positions, kinds.Sinusoidal)
        self.tok_emb = _table(spec, spec.vocab_size)
        self.pos_emb = _table(spec, _position_rows(spec, spec.seq_len))
        self.ln_emb = _norm(spec, spec.table_width) if spec.embedding_norm else None
        self.proj_emb = _projection(spec)
        stacks = lists(plan)
        self.encoder = stack(stacks["encoder"], partial(_block, spec))
        self.passes = len(stacks["encoder"]) // len(self.encoder)
        self.ln_encoder = norm() if spec.ends_normalised else None
        self.target_tok_emb = None if spec.tied else _table(spec, spec.vocab_size)
        self.target_pos_emb = _table(spec, _position_rows(spec, spec.target_length))
        self.target_ln_emb = _norm(spec, spec.table_width) if spec.embedding_norm else None
        self.target_proj_emb = None if spec.tied else _projection(spec)
        self.decoder = stack(stacks["decoder"], partial(_block, spec))
        self.target_passes = len(stacks["decoder"]) // len(self.decoder)
        self.ln_f = norm() if spec.ends_normalised else None
        self.lm_head = _vocabulary_head(spec, self.tok_emb)
        self.pooled = _pooled_head(spec)

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


def _position_rows(spec: TransformerSpec, length: int) -> int:
    if not isinstance(spec.positions, kinds.Learned):
        return 0
    return spec.positions.max_positions or length


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


def _block(spec: TransformerSpec, plan: BlockPlan) -> Block:
    return Block(
        partial(_norm, spec, spec.d_model),
        _mixer(spec, plan),
        cross=_cross(spec) if plan.cross else None,
        mlp=_feed_forward(spec, plan.experts),
        norm_place=spec.norm_place.word,
        parallel=getattr(spec.norm_place, "parallel", False),
        shared_norm=getattr(spec.norm_place, "shared_norm", False),
    )


def _norm(spec: TransformerSpec, width: int) -> nn.Module:
    """Return a norm over the last `width` features, of the kind that the spec names."""
    if isinstance(spec.norm, kinds.RmsNorm):
        return nn.RMSNorm(width)
    return nn.LayerNorm(width, bias=spec.norms_biased)


def _mixer(spec: TransformerSpec, plan: BlockPlan) -> nn.Module:
    match plan.mixer:
        case kinds.DilatedConv(kernel_size=(taps,), dilations=(dilation,), depthwise=depthwise):
            return DilatedMixer(
                spec.d_model,
                taps,
                dilation=dilation,
                causal=plan.causal,
                bias=spec.bias,
                depthwise=depthwise,
            )
        case kinds.StateSpace() as mixer:
            norm = partial(_norm, spec) if mixer.state_norm else None
            sizes = arguments.state_space(spec, mixer)
            return StateSpaceMixer(spec.d_model, causal=plan.causal, norm=norm, **sizes)
        case kinds.DualStateSpace() as mixer:
            return DualStateSpaceMixer(spec.d_model, **arguments.dual_state_space(spec, mixer))
        case kinds.GatedDelta() as mixer:
            return GatedDeltaNet(spec.d_model, **arguments.gated_delta(spec, mixer))
        case kinds.LightningAttention():
            return LightningAttention(spec.d_model, **arguments.lightning(spec))
        case kinds.LinearAttention():
            return _attention(spec, LinearDotProduct(causal=plan.causal), rotary=_rotary(spec))
        case mixer:
            gate = isinstance(mixer, kinds.SelfAttention) and mixer.output_gate
            product = _product(spec, plan)
            return _attention(spec, product, rotary=_rotary(spec), output_gate=gate)


def _rotary(spec: TransformerSpec) -> bool:
    return isinstance(spec.positions, kinds.Rotary)


def _product(spec: TransformerSpec, plan: BlockPlan) -> nn.Module:
    grouped = spec.key_heads != spec.heads
    alibi = isinstance(spec.positions, kinds.Alibi)
    sinks = getattr(spec.attention, "sinks", False)
    if sinks or alibi or (plan.window is not None and spec.masks_scores):
        return MaskedDotProduct(
            spec.heads,
            causal=plan.causal,
            window=plan.window,
            alibi=alibi,
            sinks=sinks,
            grouped=grouped,
        )
    if plan.chunk is not None:
        return ChunkDotProduct(chunk=plan.chunk, grouped=grouped)
    if plan.window is None:
        return ScaledDotProduct(causal=plan.causal, grouped=grouped)
    return WindowDotProduct(
        window=plan.window, dilation=spec.window_step, causal=plan.causal, grouped=grouped
    )


def _cross(spec: TransformerSpec) -> Attention:
    product = ScaledDotProduct(causal=False, grouped=spec.key_heads != spec.heads)
    return _attention(spec, product, cross=True)


def _attention(
    spec: TransformerSpec,
    product: nn.Module,
    *,
    rotary: bool = False,
    cross: bool = False,
    output_gate: bool = False,
) -> Attention:
    return Attention(
        spec.d_model,
        spec.heads,
        product,
        kv_heads=spec.key_heads,
        head_dim=spec.head_width,
        bias=spec.attention_biased,
        qkv_bias=spec.projections_biased,
        head_norm=partial(_norm, spec) if spec.qk_norm else None,
        norm_across=spec.qk_norm_across,
        rotary=rotary,
        rotary_dim=getattr(spec.positions, "rotary_dim", None),
        cross=cross,
        output_gate=output_gate,
    )


def _feed_forward(spec: TransformerSpec, experts: kinds.MixtureOfExperts | None) -> nn.Module:
    if experts is not None:
        return MixtureOfExperts(
            spec.d_model,
            spec.hidden_width,
            experts.experts,
            experts.chosen,
            activation=spec.activation,
            bias=spec.bias,
            router_bias=experts.router_bias,
            shared_ff=experts.shared_ff,
            shared_gate=experts.shared_gate,
        )
    kind = GatedFeedForward if spec.activation in GATED else FeedForward
    return kind(spec.d_model, spec.dense_width, activation=spec.activation, bias=spec.bias)


def _vocabulary_head(spec: TransformerSpec, table: nn.Embedding | None) -> nn.Module | None:
    """Return the head over the vocabulary, with the weight of `table` where they are tied."""
    wanted = spec.vocabulary_head
    if isinstance(wanted, kinds.NoHead) or table is None:
        return None
    widths = (spec.d_model, spec.table_width, spec.vocab_size)
    if isinstance(wanted, kinds.MaskedHead):
        head: nn.Module = MaskedHead(*widths, norm=partial(_norm, spec), bias=spec.bias)
    elif spec.embedding_dim is not None:
        head = ProjectedHead(*widths, bias=spec.bias, head_bias=wanted.head_bias)
    else:
        head = part("head", nn.Linear(spec.d_model, spec.vocab_size, bias=wanted.head_bias))
    if spec.tied:
        getattr(head, "decoder", head).weight = table.weight
    return head


def _pooled_position(spec: TransformerSpec) -> int | None:
    """Return the one position that sees the whole sequence; None: all are classified."""
    if spec.classify == "token":
        return None
    return -1 if spec.sees_only_past else 0


def _pooled_head(spec: TransformerSpec) -> nn.Module | None:
    """Return the head on the pooled position, or None where there is none."""
    if not (spec.pooler or spec.classes):
        return None
    return PooledHead(
        spec.d_model,
        spec.classes,
        position=_pooled_position(spec),
        pooler=spec.pooler,
        bias=spec.bias,
    )
