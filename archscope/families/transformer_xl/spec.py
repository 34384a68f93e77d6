"""Transformer-XL: decoders with relative attention and a memory of what they read before."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.checks import check_divides, check_even
from archscope.blocks.plan import Numbered, numbered
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option


@frozen
class TransformerXlSpec:
    """The shape of a Transformer-XL; the default is the one of 12 blocks on enwik8."""

    depth: int = option(12, "number of blocks", low=1, high=10_000)
    d_model: int = option(512, "width of the model, in features", low=2, high=2**20)
    heads: int = option(8, "number of heads", low=1, high=2**16)
    head_dim: int | None = option(
        None, "width of one head, in features (none: d_model / heads)", low=1, high=2**16
    )
    d_ff: int = option(2048, "hidden width of a feed-forward layer", low=1, high=2**24)
    vocab_size: int = option(204, "size of the vocabulary", low=1, high=10**9)
    cutoffs: tuple[int, ...] | None = option(
        None,
        "adaptive softmax: token ids, most frequent first, at which a new cluster begins "
        "(none: one cluster)",
        low=1,
        high=10**9,
    )
    div_val: int = option(
        1,
        "factor by which each cluster's embedding is narrower than the previous one's",
        low=1,
        high=2**10,
    )
    memory: int = option(
        512,
        "length of the memory that each block attends to, in positions; 0: none",
        low=0,
        high=2**24,
    )
    scores: bool = option(
        False,
        "also run the embedding tables: tokens in, scores over the whole vocabulary out; "
        "otherwise features go through the blocks only, and the tables are held but not run",
    )
    seq_len: int = option(512, "length of one segment, in tokens", low=1, high=2**24)
    batch_size: int = option(1, "number of sequences", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        check_even("d_model", self.d_model, ", but each distance has sines and cosines")
        if self.head_dim is None:
            check_divides("heads", self.heads, "d_model", self.d_model)
        if min(self.cluster_sizes) < 1:
            problem = f"does not rise, or not below {{vocab_size}} {self.vocab_size}"
            raise SpecError("cutoffs", listed(self.cutoffs or ()), problem)
        if self.d_model // self.div_val ** len(self.cutoffs or ()) < 1:
            raise SpecError("div_val", self.div_val, "leaves the last cluster without features")

    @property
    def head_width(self) -> int:
        """Features of one head."""
        return self.head_dim or self.d_model // self.heads

    @property
    def cluster_sizes(self) -> tuple[int, ...]:
        """Tokens of each cluster."""
        ends = (*(self.cutoffs or ()), self.vocab_size)
        return tuple(end - start for start, end in zip((0, *ends), ends, strict=False))


def blocks(spec: TransformerXlSpec) -> list[Numbered]:
    """Return the blocks, which are all alike."""
    return numbered("blocks", spec.depth)


def describe(spec: TransformerXlSpec) -> Iterator[str]:
    """Yield what tells it from others, in words."""
    yield "decoder with memory"
    yield f"depth {spec.depth}"
    yield f"d_model {spec.d_model}"
    yield f"{spec.heads} heads" + (f" of {spec.head_dim}" if spec.head_dim else "")
    yield f"d_ff {spec.d_ff}"
    clusters = len(spec.cluster_sizes)
    yield f"vocab {spec.vocab_size:,}" + (f" in {clusters} clusters" if clusters > 1 else "")
    yield "with scores" if spec.scores else "blocks alone run"
    yield f"seq {spec.seq_len} after {spec.memory}"
    yield f"batch {spec.batch_size}"
