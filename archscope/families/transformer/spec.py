"""Transformers: encoders, decoders and both together, dense or with a mixture of experts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.families.transformer.rules import check_together
from archscope.records import frozen
from archscope.specs import check, option

DEFAULT_WINDOW = 255
"""Keys per query where nothing is said; odd, so that it fits attention to both sides too."""


@frozen
class TransformerSpec:
    """The shape of a Transformer; the default is that of GPT-2 small at its full context."""

    arch: Literal["decoder", "encoder", "encoder-decoder"] = option(
        "decoder", "which stacks of blocks there are"
    )
    depth: int = option(
        12,
        "number of Transformer blocks, of an encoder-decoder those of its encoder; a block has "
        "several weighted layers, which the table counts too",
        low=1,
        high=10_000,
    )
    decoder_depth: int | None = option(
        None, "number of blocks of its decoder (none: as depth)", low=1, high=10_000
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
        None, "hidden features of one feed-forward (none: 4 x d_model)", low=1, high=2**24
    )
    vocab_size: int = option(
        50_257, "number of tokens; 0: the input is features, without a head", low=0, high=10**9
    )
    seq_len: int = option(1024, "tokens of the input", low=1, high=2**24)
    target_len: int | None = option(
        None, "tokens of an encoder-decoder's target (none: as seq_len)", low=1, high=2**24
    )
    batch_size: int = option(1, "number of sequences", low=1, high=2**20)
    embedding_dim: int | None = option(
        None, "width of the embeddings, projected to d_model (none: as d_model)", low=1, high=2**20
    )
    max_positions: int | None = option(
        None, "rows of the learned positions (none: as the input is long)", low=1, high=2**24
    )
    norm_place: Literal["pre", "post", "sandwich"] = option(
        "pre",
        "normalise before each part of a block, after its residual sum, or both before it and on "
        "its answer",
    )
    parallel: bool = option(
        False, "attention and feed-forward side by side, both added to the same input"
    )
    shared_norm: bool = option(False, "one norm for both where they are parallel")
    shared_blocks: bool = option(False, "all blocks of a stack are one, run over and over")
    norm: Literal["layernorm", "rmsnorm"] = option("layernorm", "kind of normalisation")
    activation: Literal["relu", "gelu", "swiglu", "geglu"] = option(
        "gelu", "activation of the feed-forward; the glu kinds have a third matrix"
    )
    positions: Literal["learned", "sinusoidal", "rotary", "alibi", "none"] = option(
        "learned", "how a token knows its place; alibi: scores fall with the distance"
    )
    rotary_dim: int | None = option(
        None, "features of a head that rotary positions turn (none: all)", low=2, high=2**16
    )
    attention: Literal["full", "window", "dilated-window"] = option(
        "full", "which keys a query sees in self-attention"
    )
    window: int | None = option(
        None,
        f"keys per query, itself included, of window attention (none: {DEFAULT_WINDOW}); "
        "odd where it sees both sides; computed in full at the edges too",
        low=1,
        high=2**24,
    )
    window_dilation: int | None = option(
        None, "positions from key to key in a dilated window (none: 2)", low=1, high=2**20
    )
    masked_window: bool = option(
        False, "the keys outside of a window are multiplied too, then masked: no work is saved"
    )
    full_every: int | None = option(
        None,
        "every so many blocks one attends in full, the rest in windows (none: all in windows)",
        low=1,
        high=10_000,
    )
    sinks: bool = option(False, "one more logit for each head that takes part in the softmax alone")
    causal: bool | None = option(None, "see only the past (none: decoders do, encoders do not)")
    mixer: Literal["attention", "dilated-conv"] = option(
        "attention", "what mixes positions: self-attention, or a 1-D convolution in its place"
    )
    kernel_size: int | None = option(
        None, "taps of the dilated convolution, in tokens (none: 3)", low=1, high=2**16
    )
    dilations: tuple[int, ...] | None = option(
        None,
        "tokens from tap to tap of that convolution, block by block, then over again (none: 1)",
        low=1,
        high=2**20,
    )
    experts: int = option(0, "experts per feed-forward; 0: one dense one", low=0, high=2**16)
    top_k: int | None = option(
        None, "experts that each token is sent to (none: 2)", low=1, high=2**16
    )
    tied: bool = option(True, "one table for the tokens of input, target and output")
    bias: bool = option(True, "biases in linear layers and norms (not in an lm head or a router)")
    norm_bias: bool | None = option(None, "biases in norms (none: as bias)")
    attn_bias: bool | None = option(None, "biases in attention's projections (none: as bias)")
    qkv_bias: bool | None = option(
        None, "biases in the query, key and value projections (none: as attn_bias)"
    )
    router_bias: bool = option(False, "a bias in the router of experts")
    head_bias: bool = option(False, "a bias in an lm head")
    qk_norm: bool = option(False, "normalise each head's queries and keys")
    final_norm: bool | None = option(
        None, "a norm after the last block (none: with norms before, not with norms after)"
    )
    embedding_norm: bool = option(False, "a norm after the embeddings")
    token_types: int = option(0, "rows of a table of token types; 0: none", low=0, high=2**16)
    pooler: bool = option(
        False, "a dense layer on the first position (on the last where it sees only the past)"
    )
    head: Literal["lm", "mlm", "none"] = option(
        "lm", "scores over the vocabulary: one projection, BERT's dense-norm-projection, or none"
    )
    classes: int = option(
        0, "outputs of a classifier on the pooled position; 0: none", low=0, high=2**24
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
    def decoder_blocks(self) -> int:
        """Blocks of an encoder-decoder's decoder."""
        return self.decoder_depth or self.depth

    @property
    def target_length(self) -> int:
        """Tokens of an encoder-decoder's target."""
        return self.target_len or self.seq_len

    @property
    def sees_only_past(self) -> bool:
        """Whether self-attention is causal, in an encoder-decoder: that of the decoder."""
        return self.arch != "encoder" if self.causal is None else self.causal

    @property
    def window_keys(self) -> int | None:
        """Keys per query of window attention; None where attention is full."""
        return None if self.attention == "full" else self.window or DEFAULT_WINDOW

    @property
    def window_step(self) -> int:
        """Positions from key to key in a window."""
        return self.window_dilation or 2 if self.attention == "dilated-window" else 1

    @property
    def taps(self) -> int:
        """Kernel size of the convolution in attention's place."""
        return self.kernel_size or 3

    @property
    def experts_per_token(self) -> int:
        """Experts that each token is sent to; 0 in a dense network."""
        return self.top_k or min(2, self.experts)

    @property
    def norms_biased(self) -> bool:
        """Whether norms have biases."""
        return self.bias if self.norm_bias is None else self.norm_bias

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
        return self.norm_place != "post" if self.final_norm is None else self.final_norm

    @property
    def vocabulary_head(self) -> Literal["lm", "mlm", "none"]:
        """The head over the vocabulary, which needs a vocabulary."""
        return self.head if self.vocab_size else "none"

    def dilation(self, block: int) -> int:
        """Return the dilation of the convolution in one block."""
        return self.dilations[block % len(self.dilations)] if self.dilations else 1

    def window_of(self, block: int) -> int | None:
        """Return the keys per query in one block; None where its attention is full."""
        is_full = self.full_every is not None and (block + 1) % self.full_every == 0
        return None if is_full else self.window_keys


@frozen
class BlockPlan:
    """Self-attention or a convolution, attention to a source where there is one, feed-forward."""

    path: str
    """Where it stands in the network, e.g. `blocks.0`."""
    causal: bool
    """Whether it sees only the past."""
    cross: bool
    """Whether it attends to a source too."""
    window: int | None
    """Keys per query of its attention; None: all."""
    dilation: int
    """Tokens from tap to tap of its convolution."""
    repeatable: bool
    """Whether its place in the stack changes nothing."""


def blocks(spec: TransformerSpec) -> Iterator[BlockPlan]:
    """Yield the blocks of the one stack, or those of the encoder, then those of the decoder.

    A block that is run over and over is there as often as it runs.
    """
    if spec.arch != "encoder-decoder":
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
            window=spec.window_of(number),
            dilation=spec.dilation(number),
            # The longest path enters a decoder's first run from the source, later ones from the
            # run before: its first block stands apart, and of a shared block all runs count.
            repeatable=not cross or number > 0,
        )
