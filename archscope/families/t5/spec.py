"""T5 and Switch: encoder-decoders with relative biases, dense or with one expert per token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from archscope.blocks.plan import Numbered, numbered
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option

DENSE, SPARSE = "dense", "sparse"
"""The two kinds of blocks: with one feed-forward, or with experts."""


@frozen
class T5Spec:
    """The shape of a T5; the default is t5-small on a source and target of its pre-training."""

    depth: int = option(6, "number of blocks of the encoder", low=1, high=10_000)
    decoder_depth: int | None = option(
        None, "number of blocks of the decoder (none: as depth)", low=1, high=10_000
    )
    d_model: int = option(512, "width of the model, in features", low=1, high=2**20)
    heads: int = option(8, "number of heads", low=1, high=2**16)
    head_dim: int = option(
        64, "width of one head (d_kv), in features; need not be d_model / heads", low=1, high=2**16
    )
    d_ff: int = option(2048, "hidden width of a feed-forward layer", low=1, high=2**24)
    activation: Literal["relu", "gelu", "swiglu", "geglu"] = option(
        "relu",
        "activation of the feed-forward layer; the GLU variants have a third matrix (v1.1: geglu)",
    )
    vocab_size: int = option(32_128, "size of the vocabulary", low=1, high=10**9)
    tied: bool = option(True, "share one table between input and output tokens (v1.1: two tables)")
    buckets: int = option(
        32, "number of distance buckets of the relative position bias", low=4, high=2**16
    )
    max_distance: int = option(
        128, "distance from which all keys share a bucket, in tokens", low=2, high=2**24
    )
    experts: int = option(
        0,
        "experts per sparse feed-forward layer, one per token; 0: all layers are dense",
        low=0,
        high=2**16,
    )
    sparse_every: int = option(
        2, "every n-th block has experts, if there are any", low=1, high=10_000
    )
    seq_len: int = option(512, "length of the source, in tokens", low=1, high=2**24)
    target_len: int = option(
        114,
        "length of the target, in tokens; T5's span corruption makes 114 out of 512",
        low=1,
        high=2**24,
    )
    batch_size: int = option(1, "number of sequences", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if self.buckets % 4:
            near = self.buckets // 4 * 4
            problem = "is not a multiple of 4: two sides, near and far"
            raise SpecError("buckets", self.buckets, f"{problem}. Nearest: {near}, {near + 4}")
        if self.max_distance <= self.buckets // 2:
            own = self.buckets // 2
            problem = f"is not beyond the {own} distances with a bucket of their own"
            raise SpecError("max_distance", self.max_distance, problem)

    @property
    def decoder_blocks(self) -> int:
        """Blocks of the decoder."""
        return self.decoder_depth or self.depth


def blocks(spec: T5Spec) -> Iterator[Numbered]:
    """Yield the blocks of the encoder, then those of the decoder.

    The decoder's first block stands apart: the longest path enters it from the source, all later
    ones from the block before.
    """

    def kind(block: int) -> str:
        sparse = spec.experts > 0 and (block + 1) % spec.sparse_every == 0
        return SPARSE if sparse else DENSE

    yield from numbered("encoder.blocks", spec.depth, kind)
    first, *later = numbered("decoder.blocks", spec.decoder_blocks, kind)
    yield replace(first, repeatable=False)
    yield from later


def describe(spec: T5Spec) -> Iterator[str]:
    """Yield what tells it from others, in words."""
    yield "encoder-decoder"
    yield f"depth {spec.depth} + {spec.decoder_blocks}"
    yield f"d_model {spec.d_model}"
    yield f"{spec.heads} heads of {spec.head_dim}"
    yield f"d_ff {spec.d_ff}"
    yield spec.activation
    if spec.experts:
        often = "block" if spec.sparse_every == 1 else f"{spec.sparse_every} blocks"
        yield f"{spec.experts} experts top-1 every {often}"
    yield f"vocab {spec.vocab_size:,}" + ("" if spec.tied else " untied")
    yield f"seq {spec.seq_len} to {spec.target_len}"
    yield f"batch {spec.batch_size}"
