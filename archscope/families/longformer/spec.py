"""Longformer: encoders for long sequences, with windows and a few tokens that see all."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.checks import check_divides, check_even
from archscope.blocks.plan import Numbered, numbered
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option


@frozen
class LongformerSpec:
    """The shape of a Longformer; the default is longformer-base-4096."""

    depth: int = option(12, "number of blocks", low=1, high=10_000)
    d_model: int = option(768, "width of the model, in features", low=1, high=2**20)
    heads: int = option(12, "number of heads", low=1, high=2**16)
    d_ff: int = option(3072, "hidden width of a feed-forward layer", low=1, high=2**24)
    vocab_size: int = option(50_265, "size of the vocabulary", low=1, high=10**9)
    max_positions: int | None = option(
        4098,
        "rows of the learned position table (none: the length of the input)",
        low=1,
        high=2**24,
    )
    window: int = option(
        512,
        "width of the window: neighbours seen on both sides together, the token itself not counted",
        low=2,
        high=2**20,
    )
    global_tokens: int = option(
        0,
        "number of global tokens, at the start, which attend to all tokens and are "
        "attended to by all",
        low=0,
        high=2**20,
    )
    seq_len: int = option(4096, "length of the input, in tokens", low=1, high=2**24)
    batch_size: int = option(1, "number of sequences", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        check_divides("heads", self.heads, "d_model", self.d_model)
        check_even("window", self.window, "; it is the tokens of both sides")
        if self.global_tokens > self.seq_len:
            problem = f"is more than the {self.seq_len} tokens of {{seq_len}}"
            raise SpecError("global_tokens", self.global_tokens, problem)
        if self.max_positions is not None and self.max_positions < self.padded_length:
            problem = f"is more than the {self.max_positions} rows of {{max_positions}}"
            raise SpecError("seq_len", self.seq_len, problem)

    @property
    def padded_length(self) -> int:
        """Tokens of the input after padding to whole windows."""
        return -(-self.seq_len // self.window) * self.window


def blocks(spec: LongformerSpec) -> list[Numbered]:
    """Return the blocks, which are all alike."""
    return numbered("blocks", spec.depth)


def describe(spec: LongformerSpec) -> Iterator[str]:
    """Yield what tells it from others, in words."""
    yield "longformer"
    yield f"depth {spec.depth}"
    yield f"d_model {spec.d_model}"
    yield f"{spec.heads} heads"
    yield f"window {spec.window}"
    if spec.global_tokens:
        yield f"{spec.global_tokens} global tokens"
    yield f"d_ff {spec.d_ff}"
    yield f"vocab {spec.vocab_size:,}"
    yield f"seq {spec.seq_len}"
    yield f"batch {spec.batch_size}"
