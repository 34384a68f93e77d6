"""The settings of `train`."""

from __future__ import annotations

from archscope.records import frozen
from archscope.specs import check, option


@frozen
class Settings:
    """What of a network is trained, and what of it runs twice."""

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

    def __post_init__(self) -> None:
        check(self)
