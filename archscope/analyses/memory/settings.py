"""The settings of `memory`."""

from __future__ import annotations

from typing import Literal

from archscope.records import frozen
from archscope.specs import check, option


@frozen
class Settings:
    """How the network is trained, and in which number types."""

    dtype: Literal["as-is", "fp32", "fp16", "bf16"] = option(
        "as-is", "number type of weights and inputs"
    )
    autocast: Literal["off", "bf16", "fp16"] = option(
        "off", "number type of autocast; weights stay as they are"
    )
    optimizer: Literal[
        "adamw", "adam", "sgd", "momentum", "rmsprop", "lion", "adafactor", "muon", "8bit"
    ] = option("adamw", "the optimizer; momentum: SGD with momentum")
    attention_kernel: Literal["flash", "math"] = option(
        "flash",
        "flash: attention scores are never stored; math: softmax(q k') is stored as a tensor",
    )
    dropout: Literal["card", "cpu"] = option(
        "card",
        "where dropout runs: a GPU (card) stores one byte per element, the CPU a full number",
    )
    freeze: str = option(
        "",
        "patterns of parameters or modules that are not trained, e.g. 'blocks.[0-5]'",
        several=True,
    )
    lora: str = option(
        "",
        "train LoRA adapters instead of the weights, e.g. "
        "r=16,targets=q_proj/v_proj,save=classifier",
    )
    recompute: str = option(
        "none",
        "activation recomputation: none, full (blocks store only their inputs), every:2 (every "
        "second block), selective (attention scores)",
    )
    micro_batch: int | None = option(
        None,
        "sequences in one pass; gradients accumulate over several (none: the whole batch)",
        low=1,
        high=2**20,
    )
    explain: bool = option(
        False, "show each tensor's closed form with its numbers filled in, instead of the modules"
    )
    check: bool = option(False, "run one real step on the CPU and compare it with the prediction")

    def __post_init__(self) -> None:
        check(self)
