"""The settings of `finetune`."""

from __future__ import annotations

from typing import Literal

from archscope.records import frozen
from archscope.specs import check, option


@frozen
class Settings:
    """What is frozen and adapted, and what is the same in all ways."""

    freeze: str = option(
        "",
        "patterns of the frozen backbone; empty: all but the last layer with weights",
        several=True,
    )
    lora: str = option("r=8", "LoRA adapters, e.g. r=16,targets=q_proj/v_proj,save=classifier")
    dtype: Literal["as-is", "fp32", "fp16", "bf16"] = option(
        "as-is", "number type of weights and inputs"
    )
    optimizer: Literal[
        "adamw", "adam", "sgd", "momentum", "rmsprop", "lion", "adafactor", "muon", "8bit"
    ] = option("adamw", "the optimizer; momentum: SGD with momentum")

    def __post_init__(self) -> None:
        check(self)
