"""DeepSeek-V2 and V3: decoders with latent attention, shared and routed experts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archscope.blocks.checks import check_even
from archscope.blocks.plan import Numbered, numbered
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option

DENSE, SPARSE = "dense", "sparse"
"""The two kinds of blocks: with one feed-forward, or with experts."""


@frozen
class DeepSeekSpec:
    """The shape of a DeepSeek network; the default has the widths of DeepSeek-V2-Lite."""

    depth: int = option(12, "number of blocks", low=1, high=10_000)
    dense_blocks: int = option(
        1,
        "number of first blocks that have a dense feed-forward layer instead of experts",
        low=0,
        high=10_000,
    )
    d_model: int = option(2048, "width of the model, in features", low=1, high=2**20)
    heads: int = option(16, "number of heads", low=1, high=2**16)
    q_rank: int | None = option(
        None,
        "rank of the latent vector of the queries (none: queries are projected directly)",
        low=1,
        high=2**20,
    )
    kv_rank: int = option(512, "rank of the latent vector of keys and values", low=1, high=2**20)
    nope_dim: int = option(
        128, "features of a head's queries and keys that are not rotated", low=1, high=2**16
    )
    rope_dim: int = option(
        64,
        "features of a head's queries and keys with rotary positions; all heads share the keys'",
        low=2,
        high=2**16,
    )
    value_dim: int = option(128, "width of a head's values, in features", low=1, high=2**16)
    d_ff: int = option(10_944, "hidden width of a dense feed-forward layer", low=1, high=2**24)
    expert_ff: int = option(1408, "hidden width of one expert", low=1, high=2**24)
    experts: int = option(64, "routed experts per block", low=1, high=2**16)
    top_k: int = option(6, "routed experts per token", low=1, high=2**16)
    shared_experts: int = option(2, "shared experts, which process every token", low=0, high=2**16)
    routing: Literal["softmax", "balanced"] = option(
        "softmax", "router scores: softmax (V2), or sigmoid with a balancing bias (V3)"
    )
    vocab_size: int = option(102_400, "size of the vocabulary", low=1, high=10**9)
    seq_len: int = option(2048, "length of the input, in tokens", low=1, high=2**24)
    batch_size: int = option(1, "number of sequences", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        if self.top_k > self.experts:
            raise SpecError("top_k", self.top_k, f"is more than the {self.experts} {{experts}}")
        check_even("rope_dim", self.rope_dim, ", but features are rotated in pairs")


def blocks(spec: DeepSeekSpec) -> list[Numbered]:
    """Return the blocks, dense ones and then sparse ones."""
    return numbered("blocks", spec.depth, lambda n: DENSE if n < spec.dense_blocks else SPARSE)


def describe(spec: DeepSeekSpec) -> Iterator[str]:
    """Yield what tells it from others, in words."""
    yield "decoder"
    yield f"depth {spec.depth}, {min(spec.dense_blocks, spec.depth)} dense"
    yield f"d_model {spec.d_model}"
    yield f"latent attention, {spec.heads} heads, kv rank {spec.kv_rank}"
    if spec.q_rank:
        yield f"q rank {spec.q_rank}"
    yield f"d_ff {spec.d_ff}"
    yield f"MoE {spec.experts} experts of {spec.expert_ff} top-{spec.top_k}"
    yield f"{spec.shared_experts} shared"
    yield f"vocab {spec.vocab_size:,}"
    yield f"seq {spec.seq_len}"
    yield f"batch {spec.batch_size}"
