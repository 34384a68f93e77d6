"""Transformers: encoders, decoders and both together, dense or with a mixture of experts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import archscope.families.transformer.kinds as kinds
from archscope.families.transformer.rules import check_together
from archscope.records import frozen
from archscope.specs import check, option


@frozen
class TransformerSpec:
    """The shape of a Transformer; the default is that of GPT-2 small at its full context."""

    arch: kinds.Arch = option(kinds.Decoder(), "decoder only, encoder only, or both")
    depth: int = option(
        12,
        "number of Transformer blocks; of an encoder-decoder, those of the encoder. A block "
        "has several weighted layers; the table counts those too",
        low=1,
        high=10_000,
    )
    d_model: int = option(768, "width of the model, in features", low=1, high=2**20)
    heads: int = option(12, "number of query heads", low=1, high=2**16)
    kv_heads: int | None = option(
        None, "number of key and value heads (none: as heads)", low=1, high=2**16
    )
    head_dim: int | None = option(
        None, "width of one head, in features (none: d_model / heads)", low=1, high=2**16
    )
    d_ff: int | None = option(
        None, "hidden width of a feed-forward layer (none: 4 x d_model)", low=1, high=2**24
    )
    vocab_size: int = option(
        50_257,
        "size of the vocabulary; 0: the input is features, and there is no head",
        low=0,
        high=10**9,
    )
    seq_len: int = option(1024, "length of the input, in tokens", low=1, high=2**24)
    batch_size: int = option(1, "number of sequences", low=1, high=2**20)
    embedding_dim: int | None = option(
        None, "width of the embeddings, projected to d_model (none: as d_model)", low=1, high=2**20
    )
    mixer: tuple[kinds.Mixer, ...] = option(
        (kinds.SelfAttention(),),
        "what mixes tokens in each block, repeated as a pattern: attention or a replacement, e.g. "
        "attention,dilated-conv",
    )
    attention: kinds.Attention = option(
        kinds.Full(), "which keys a query sees in self-attention, e.g. window:255"
    )
    ffn: kinds.FeedForward = option(
        kinds.Dense(),
        "one dense feed-forward layer or a mixture of experts, e.g. moe:8/2 for 2 of 8",
    )
    activation: Literal["relu", "relu2", "gelu", "swiglu", "geglu"] = option(
        "gelu",
        "activation of the feed-forward layer; relu2 is squared ReLU, the GLU variants have a "
        "third matrix",
    )
    positions: kinds.Positions = option(
        kinds.Learned(),
        "position encoding; alibi: a bias that grows with distance, subtracted from the scores",
    )
    norm_place: kinds.NormPlace = option(
        kinds.PreNorm(),
        "where each sublayer is normalised: at its input (pre), after its residual sum "
        "(post), or at both its input and its output (sandwich)",
    )
    norm: kinds.Norm = option(kinds.LayerNorm(), "kind of normalisation")
    shared_blocks: bool = option(False, "share one block's weights among all blocks of a stack")
    tied: bool = option(True, "share one embedding table among input, target and output")
    bias: bool = option(True, "biases in linear layers and norms (not in the lm head or a router)")
    attn_bias: bool | None = option(None, "biases in the attention projections (none: as bias)")
    qkv_bias: bool | None = option(
        None, "biases in the query, key and value projections (none: as attn_bias)"
    )
    qk_norm: bool = option(False, "normalise each head's queries and keys")
    qk_norm_across: bool = option(False, "apply those norms over all heads at once, as in OLMoE")
    final_norm: bool | None = option(
        None, "a norm after the last block (none: yes, except with post-norm)"
    )
    embedding_norm: bool = option(False, "a norm after the embeddings")
    token_types: int = option(
        0, "number of token types (segments) in their embedding table; 0: none", low=0, high=2**16
    )
    pooler: bool = option(False, "a dense layer on the first position (on the last if causal)")
    head: kinds.Head = option(
        kinds.LanguageHead(),
        "output head over the vocabulary: one projection (lm), BERT's dense layer, norm "
        "and projection (mlm), or none",
    )
    classes: int = option(0, "number of classes of a classifier; 0: none", low=0, high=2**24)
    classify: Literal["sequence", "token"] = option(
        "sequence", "what is classified: the sequence, from its pooled position, or each token"
    )

    def __post_init__(self) -> None:
        check(self)
        check_together(self)

    @property
    def head_width(self) -> int:
        """Features of one head."""
        return self.head_dim or self.d_model // self.heads

    @property
    def table_width(self) -> int:
        """Width of the embeddings."""
        return self.embedding_dim or self.d_model

    @property
    def key_heads(self) -> int:
        """Key heads, which are as many as value heads."""
        return self.kv_heads or self.heads

    @property
    def hidden_width(self) -> int:
        """Hidden features of a feed-forward or of one expert."""
        return self.d_ff or 4 * self.d_model

    @property
    def dense_width(self) -> int:
        """Hidden features of a feed-forward without experts, beside others that have some."""
        given = None if isinstance(self.ffn, kinds.Dense) else self.ffn.dense_ff
        return given or self.hidden_width

    @property
    def has_two_stacks(self) -> bool:
        """Whether there is an encoder and a decoder."""
        return isinstance(self.arch, kinds.EncoderDecoder)

    @property
    def decoder_blocks(self) -> int:
        """Blocks of an encoder-decoder's decoder."""
        given = self.arch.decoder_depth if isinstance(self.arch, kinds.EncoderDecoder) else None
        return given or self.depth

    @property
    def target_length(self) -> int:
        """Tokens of an encoder-decoder's target."""
        given = self.arch.target_len if isinstance(self.arch, kinds.EncoderDecoder) else None
        return given or self.seq_len

    @property
    def stacks(self) -> tuple[int, ...]:
        """Blocks of each stack."""
        return (self.depth, self.decoder_blocks) if self.has_two_stacks else (self.depth,)

    @property
    def sees_only_past(self) -> bool:
        """Whether self-attention is causal, in an encoder-decoder: that of the decoder."""
        return True if isinstance(self.arch, kinds.EncoderDecoder) else self.arch.causal

    @property
    def attends(self) -> bool:
        """Whether any block has self-attention."""
        return any(isinstance(mixer, kinds.SelfAttention) for mixer in self.mixer)

    @property
    def has_heads(self) -> bool:
        """Whether any block has queries in heads."""
        lightning = any(isinstance(mixer, kinds.LightningAttention) for mixer in self.mixer)
        return self.has_two_stacks or self.mixes_by_heads or lightning

    @property
    def mixes_by_heads(self) -> bool:
        """Whether any block mixes positions by queries and keys in heads."""
        asks = kinds.SelfAttention | kinds.LinearAttention
        return any(isinstance(mixer, asks) for mixer in self.mixer)

    @property
    def window_keys(self) -> int | None:
        """Keys per query of window attention; None where it has no windows."""
        return getattr(self.attention, "window", None)

    @property
    def window_step(self) -> int:
        """Positions from key to key in a window."""
        found = self.attention
        return found.window_dilation if isinstance(found, kinds.DilatedWindow) else 1

    @property
    def masks_scores(self) -> bool:
        """Whether all scores are computed, and some masked: what sinks and alibi need."""
        if isinstance(self.attention, kinds.Window):
            return self.attention.masked_window
        return isinstance(self.attention, kinds.Full)

    @property
    def norms_biased(self) -> bool:
        """Whether norms have biases."""
        given = self.norm.norm_bias if isinstance(self.norm, kinds.LayerNorm) else None
        return self.bias if given is None else given

    @property
    def attention_biased(self) -> bool:
        """Whether attention's projection back has a bias."""
        return self.bias if self.attn_bias is None else self.attn_bias

    @property
    def projections_biased(self) -> bool:
        """Whether the query, key and value projections have biases."""
        return self.attention_biased if self.qkv_bias is None else self.qkv_bias

    @property
    def ends_normalised(self) -> bool:
        """Whether a norm follows the last block."""
        post = isinstance(self.norm_place, kinds.PostNorm)
        return not post if self.final_norm is None else self.final_norm

    @property
    def vocabulary_head(self) -> kinds.Head:
        """The head over the vocabulary, which needs a vocabulary."""
        return self.head if self.vocab_size else kinds.NoHead()

    def mixer_of(self, block: int) -> kinds.Mixer:
        """Return what mixes positions in one block, with the one item of its lists."""
        period = len(self.mixer)
        found = self.mixer[block % period]
        before = self.mixer[: block % period].count(found)
        turn = block // period * self.mixer.count(found) + before
        if not isinstance(found, kinds.DilatedConv):
            return found
        taps, rates = found.kernel_size, found.dilations
        return replace(
            found,
            kernel_size=(taps[turn % len(taps)],),
            dilations=(rates[turn % len(rates)],),
        )

    def window_of(self, block: int) -> int | None:
        """Return the keys per query in one block; None where its attention has no window."""
        return None if self.attends_in_full(block) else self.window_keys

    def chunk_of(self, block: int) -> int | None:
        """Return the tokens of a chunk in one block; None where its attention has no chunks."""
        return None if self.attends_in_full(block) else getattr(self.attention, "chunk", None)

    def attends_in_full(self, block: int) -> bool:
        """Return whether attention of one block has neither windows nor chunks."""
        if isinstance(self.attention, kinds.Full):
            return True
        every = self.attention.full_every
        return every is not None and (block + 1) % every == 0

    def experts_of(self, block: int) -> kinds.MixtureOfExperts | None:
        """Return the experts of one block; None where its feed-forward is dense."""
        if isinstance(self.ffn, kinds.Dense) or (block + 1) % self.ffn.moe_every:
            return None
        return self.ffn if block >= self.ffn.dense_blocks else None


@frozen
class BlockPlan:
    """What mixes positions, attention to a source where there is one, feed-forward."""

    path: str
    """Where it stands in the network, e.g. `blocks.0`."""
    causal: bool
    """Whether it sees only the past."""
    cross: bool
    """Whether it attends to a source too."""
    mixer: kinds.Mixer
    """What mixes positions; of a list the item that is this block's."""
    window: int | None
    """Keys per query of its attention; None: it has no window."""
    chunk: int | None
    """Tokens of a chunk of its attention; None: it has no chunks."""
    experts: kinds.MixtureOfExperts | None
    """Its experts; None: one feed-forward."""
    repeatable: bool
    """Whether its place in the stack changes nothing."""


def blocks(spec: TransformerSpec) -> Iterator[BlockPlan]:
    """Yield the blocks of the one stack, or those of the encoder, then those of the decoder.

    A block that is run over and over is there as often as it runs.
    """
    if not spec.has_two_stacks:
        yield from _stack(spec, "blocks", spec.depth, causal=spec.sees_only_past)
        return
    yield from _stack(spec, "encoder", spec.depth, causal=False)
    yield from _stack(spec, "decoder", spec.decoder_blocks, causal=True, cross=True)


def _stack(
    spec: TransformerSpec, path: str, depth: int, *, causal: bool, cross: bool = False
) -> Iterator[BlockPlan]:
    for run in range(depth):
        number = 0 if spec.shared_blocks else run
        yield BlockPlan(
            path=f"{path}.{number}",
            causal=causal,
            cross=cross,
            mixer=spec.mixer_of(number),
            window=spec.window_of(number),
            chunk=spec.chunk_of(number),
            experts=spec.experts_of(number),
            # The longest path enters a decoder's first run from the source, later ones from the
            # run before: its first block stands apart, and of a shared block all runs count.
            repeatable=not cross or number > 0,
        )
