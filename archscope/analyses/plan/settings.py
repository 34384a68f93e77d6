"""The settings of `plan`."""

from __future__ import annotations

from typing import Literal

from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option


@frozen
class Settings:
    """The cards, how they share the work, and how the network is trained."""

    gpu: str | None = option(None, "GPU, e.g. h100 or a100-40gb, for its memory and peak")
    gpus: int | None = option(None, "number of GPUs (none: dp x tp x pp)", low=1, high=10**7)
    dp: int | None = option(
        None, "data parallelism: copies of the network (none: as many as the GPUs allow)", low=1
    )
    tp: int = option(1, "tensor parallelism: GPUs that share each layer", low=1, high=2**16)
    pp: int = option(1, "pipeline parallelism: number of stages", low=1, high=2**16)
    ep: int = option(
        1, "expert parallelism: GPUs that share the experts; a part of dp", low=1, high=2**16
    )
    zero: int = option(
        0,
        "ZeRO stage, what dp shards: 1 optimizer states, 2 also gradients, 3 also weights; "
        "Megatron's distributed optimizer is 1",
        low=0,
        high=3,
    )
    micro_batch: int | None = option(
        None, "inputs in one pass of one copy (none: the network's batch_size)", low=1, high=2**20
    )
    global_batch: int | None = option(
        None, "inputs in one step, over all copies (none: dp x pp x micro-batch)", low=1, high=2**31
    )
    recompute: Literal["none", "selective", "full"] = option(
        "none",
        "activation recomputation in the backward; selective: the core of attention, full: each "
        "block",
    )
    recipe: Literal[
        "fp32-16",
        "bf16-16",
        "megatron-18",
        "megatron-20",
        "deepspeed-20",
        "bf16-12",
        "bf16-8",
    ] = option("bf16-16", "mixed-precision recipe: bytes per weight, gradient and optimizer state")
    mfu: float | None = option(None, "model FLOPs utilization, 0 to 1, e.g. 0.4", low=0, high=1)
    tokens: str | None = option(
        None, "tokens of the whole training run, e.g. 300B; inputs if it has no tokens, e.g. 90M"
    )
    price: float | None = option(None, "price of one GPU-hour, in any currency", low=0, high=10**6)
    card_memory: str | None = option(
        None, "memory of a GPU instead of the cited one, e.g. 80GiB or 24GB", also="memory"
    )
    max: str | None = option(
        None,
        "find the largest that fits: batch, seq-len, depth, d-model, d-ff, experts or vocab-size",
    )
    sequence_parallel: bool = option(
        False, "sequence parallelism: share the activations that tensor parallelism replicates"
    )
    interleave: int = option(
        1,
        "virtual pipeline stages per GPU (interleaving); more: a smaller bubble",
        low=1,
        high=1024,
    )
    attention_kernel: Literal["flash", "math"] = option(
        "flash",
        "flash: attention scores are never stored; math: softmax(q k') is stored as a tensor",
    )
    dropout: bool = option(
        False, "include dropout masks as the papers' formulas do, one byte per element"
    )
    loss: Literal["cross-entropy", "sum"] = option(
        "cross-entropy", "cross-entropy: with an fp32 copy of the logits; sum: without"
    )
    saved: Literal["auto", "formula", "step"] = option(
        "auto",
        "how activations are found: the family's formula, or a step on shapes, which needs torch "
        "(auto: a step if there is no formula)",
    )

    def __post_init__(self) -> None:
        check(self)
        if self.mfu == 0:
            raise SpecError("mfu", self.mfu, "is a training that never ends; write e.g. 0.4")
