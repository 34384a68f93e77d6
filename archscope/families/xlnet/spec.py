"""XLNet: encoders with relative attention."""

from __future__ import annotations

from archscope.blocks.checks import check_divides, check_even
from archscope.blocks.plan import Numbered, numbered
from archscope.records import frozen
from archscope.specs import check, option


@frozen
class XlnetSpec:
    """The shape of an XLNet; the default is xlnet-base-cased."""

    depth: int = option(12, "number of blocks", low=1, high=10_000)
    d_model: int = option(768, "width of the model, in features", low=1, high=2**20)
    heads: int = option(12, "number of heads", low=1, high=2**16)
    d_ff: int = option(3072, "hidden width of a feed-forward layer", low=1, high=2**24)
    vocab_size: int = option(32_000, "size of the vocabulary", low=1, high=10**9)
    segments: bool = option(False, "segment ids as a second input, which adds a term to the scores")
    seq_len: int = option(512, "length of the input, in tokens", low=1, high=2**24)
    batch_size: int = option(1, "number of sequences", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        check_even("d_model", self.d_model, ", but each distance has sines and cosines")
        check_divides("heads", self.heads, "d_model", self.d_model)


def blocks(spec: XlnetSpec) -> list[Numbered]:
    """Return the blocks, which are all alike."""
    return numbered("blocks", spec.depth)


def describe(spec: XlnetSpec) -> list[str]:
    """Return what tells it from others, in words."""
    words = ["xlnet", f"depth {spec.depth}", f"d_model {spec.d_model}", f"{spec.heads} heads"]
    words += [f"d_ff {spec.d_ff}", f"vocab {spec.vocab_size:,}"]
    if spec.segments:
        words.append("segments")
    return [*words, f"seq {spec.seq_len}", f"batch {spec.batch_size}"]
