"""What a user says of a step whose memory is asked for."""

from __future__ import annotations

from typing import Literal

from archscope.records import frozen
from archscope.specs import check, option


@frozen
class Settings:
    """How the network is trained, and in which number types."""

    dtype: Literal["as-is", "fp32", "fp16", "bf16"] = option(
        "as-is", "what weights and inputs are cast to"
    )
    autocast: Literal["off", "bf16", "fp16"] = option(
        "off", "number type of products under autocast; weights stay as they are"
    )
    optimizer: Literal[
        "adamw", "adam", "sgd", "momentum", "rmsprop", "lion", "adafactor", "muon", "8bit"
    ] = option("adamw", "what updates the weights; momentum: SGD with it")
    attention_kernel: Literal["flash", "math"] = option(
        "flash", "flash: scores are never kept; math: softmax(q k') is a tensor like any other"
    )
    dropout: Literal["card", "cpu"] = option(
        "card", "whose dropout: a card keeps a byte for each element, torch's CPU a whole number"
    )
    freeze: str = option(
        "", "patterns of parameters or modules that are not trained, e.g. 'blocks.[0-5]'"
    )
    lora: str = option(
        "", "adapters in place of the weights, e.g. r=16,targets=q_proj/v_proj,save=classifier"
    )
    recompute: str = option(
        "none",
        "what is computed again: none, full (blocks keep their inputs alone), every:2 (each second "
        "block), selective (attention's scores)",
    )
    micro_batch: int | None = option(
        None,
        "sequences of one pass, several of which add up their gradients (none: the whole batch)",
        low=1,
        high=2**20,
    )
    explain: bool = option(
        False, "each tensor's closed form, with its numbers put in, instead of the modules"
    )
    check: bool = option(False, "run one real step on the CPU, and hold it against the prediction")

    def __post_init__(self) -> None:
        check(self)
