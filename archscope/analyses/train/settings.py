"""What a user says of a training step whose work is asked for."""

from __future__ import annotations

from archscope.records import frozen
from archscope.specs import check, option


@frozen
class Settings:
    """What of a network is trained, and what of it runs twice."""

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

    def __post_init__(self) -> None:
        check(self)
