"""MobileBERT: BERT's encoder, narrow within each block and wide between them."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.checks import check_divides
from archscope.blocks.plan import Numbered, numbered
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option


@frozen
class MobileBertSpec:
    """The shape of a MobileBERT (Sun et al. 2020); the default is the one of the paper's title."""

    depth: int = option(24, "number of blocks", low=1, high=10_000)
    d_model: int = option(512, "width between blocks, in features", low=1, high=2**20)
    bottleneck: int = option(
        128,
        "width within a block, of attention and feed-forward layers, in features",
        low=1,
        high=2**20,
    )
    heads: int = option(4, "number of heads", low=1, high=2**16)
    feed_forwards: int = option(
        4, "feed-forward layers per block, one after the other", low=1, high=64
    )
    d_ff: int = option(512, "hidden width of a feed-forward layer", low=1, high=2**24)
    embedding_dim: int = option(
        128,
        "width of the token embedding; those of three neighbouring tokens are concatenated",
        low=1,
        high=2**20,
    )
    layer_norm: bool = option(
        False, "layer norm after each sublayer, as in the teacher, instead of scale and shift"
    )
    vocab_size: int = option(30_522, "size of the vocabulary", low=1, high=10**9)
    token_types: int = option(
        2, "number of token types (segments) in their embedding table", low=1, high=2**16
    )
    max_positions: int = option(512, "rows of the learned position table", low=1, high=2**24)
    pooler: bool = option(True, "a dense layer on the first position")
    seq_len: int = option(128, "length of the input, in tokens", low=1, high=2**24)
    batch_size: int = option(1, "number of sequences", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        check_divides("heads", self.heads, "bottleneck", self.bottleneck)
        if self.seq_len > self.max_positions:
            problem = f"is more than the {self.max_positions} rows of {{max_positions}}"
            raise SpecError("seq_len", self.seq_len, problem)


def blocks(spec: MobileBertSpec) -> list[Numbered]:
    """Return the blocks, which are all alike."""
    return numbered("blocks", spec.depth)


def describe(spec: MobileBertSpec) -> Iterator[str]:
    """Yield what tells it from others, in words."""
    yield "mobilebert"
    yield f"depth {spec.depth}"
    yield f"d_model {spec.d_model}"
    yield f"bottleneck {spec.bottleneck}"
    yield f"{spec.heads} heads"
    yield f"{spec.feed_forwards} × d_ff {spec.d_ff}"
    if spec.layer_norm:
        yield "LN"
    yield f"vocab {spec.vocab_size:,} × {spec.embedding_dim}"
    if not spec.pooler:
        yield "no pooler"
    yield f"seq {spec.seq_len}"
    yield f"batch {spec.batch_size}"
