"""What a user says of the ways to train that are told side by side."""

from __future__ import annotations

from typing import Literal

from archscope.records import frozen
from archscope.specs import check, option


@frozen
class Settings:
    """What is frozen and adapted, and what is the same in all ways."""

    freeze: str = option(
        "", "patterns of what a frozen backbone is; empty: all but the last layer with weights"
    )
    lora: str = option("r=8", "adapters, e.g. r=16,targets=q_proj/v_proj,save=classifier")
    dtype: Literal["as-is", "fp32", "fp16", "bf16"] = option(
        "as-is", "what weights and inputs are cast to"
    )
    optimizer: Literal[
        "adamw", "adam", "sgd", "momentum", "rmsprop", "lion", "adafactor", "muon", "8bit"
    ] = option("adamw", "what updates the weights; momentum: SGD with it")

    def __post_init__(self) -> None:
        check(self)
