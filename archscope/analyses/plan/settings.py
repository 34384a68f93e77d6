"""What a user says of a training whose plan is asked for."""

from __future__ import annotations

from typing import Literal

from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option


@frozen
class Settings:
    """The cards, how they share the work, and how the network is trained."""

    gpu: str | None = option(
        None, "the card, e.g. h100 or a100-40gb: its memory and peak, as cited"
    )
    gpus: int | None = option(None, "cards (none: dp x tp x pp)", low=1, high=10**7)
    dp: int | None = option(
        None, "copies of the network, of different data (none: as many as cards allow)", low=1
    )
    tp: int = option(1, "cards that share each layer (tensor parallelism)", low=1, high=2**16)
    pp: int = option(1, "stages of the pipeline", low=1, high=2**16)
    ep: int = option(
        1, "cards among which experts are dealt out; they are some of the dp", low=1, high=2**16
    )
    zero: int = option(
        0,
        "what the dp share: 1 the optimizer's states, 2 gradients too, 3 weights too; Megatron's "
        "distributed optimizer is 1",
        low=0,
        high=3,
    )
    micro_batch: int | None = option(
        None, "inputs of one pass of one copy (none: the network's batch_size)", low=1, high=2**20
    )
    global_batch: int | None = option(
        None, "inputs of one step, of all copies (none: dp x pp x micro-batch)", low=1, high=2**31
    )
    recompute: Literal["none", "selective", "full"] = option(
        "none", "selective: attention's inside runs again in the backward; full: each block does"
    )
    recipe: Literal[
        "fp32-16",
        "bf16-16",
        "megatron-18",
        "megatron-20",
        "deepspeed-20",
        "bf16-12",
        "bf16-8",
    ] = option("bf16-16", "bytes of weights, gradients and optimizer, by whose way to train")
    mfu: float | None = option(
        None, "share of the peak that the model's own FLOPs are done at, e.g. 0.4", low=0, high=1
    )
    tokens: str | None = option(
        None, "tokens of the whole training, of what has none inputs, e.g. 300B or 90M"
    )
    price: float | None = option(None, "what a card costs in an hour", low=0, high=10**6)
    card_memory: str | None = option(
        None, "memory of a card in place of the cited one, e.g. 80GiB or 24GB", also="memory"
    )
    max: str | None = option(
        None, "the largest that fits: batch, seq-len, depth, d-model, d-ff, experts or vocab-size"
    )
    sequence_parallel: bool = option(
        False, "what tensor parallelism leaves whole of the activations is shared along the tokens"
    )
    interleave: int = option(
        1, "chunks of blocks on each card of a pipeline; more: a shorter bubble", low=1, high=1024
    )
    attention_kernel: Literal["flash", "math"] = option(
        "flash", "flash: scores are never kept; math: softmax(q k') is a tensor like any other"
    )
    dropout: bool = option(False, "there is dropout as in the papers' formulas: a byte a number")
    loss: Literal["cross-entropy", "sum"] = option(
        "cross-entropy", "of a vocabulary's scores: cross-entropy has them in fp32; sum: no copy"
    )
    saved: Literal["auto", "formula", "step"] = option(
        "auto",
        "where activations come from: the family's formula, or a step on shapes, which takes torch "
        "(auto: a step where there is no family)",
    )

    def __post_init__(self) -> None:
        check(self)
        if self.mfu == 0:
            raise SpecError("mfu", self.mfu, "is a training that never ends; write e.g. 0.4")
