"""What decoding keeps, and what a step of it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archscope.library._analyse import analyse
from archscope.results import Report

if TYPE_CHECKING:
    from torch import nn


def kv(
    model: nn.Module | str = "",
    *args: Any,
    context: int | None = None,
    batch: int | None = None,
    runtime: str = "none",
    kv_dtype: str = "bf16",
    state_dtype: str | None = None,
    dtype: str = "bf16",
    gpu: str = "",
    card_memory: str = "",
    cache_memory: str = "",
    acceptance: float | None = None,
    guesses: int | None = None,
    draft_cost: float = 0.0,
    verify: bool = False,
    method: str | None = None,
    **kwargs: Any,
) -> Report:
    """Return what decoding keeps of the positions before, layer by layer; bytes of all sequences.

    >>> kv("deepseek-v3").totals.per_position  # 61 layers x (512 + 64) x 2 bytes
    70272

    `model`, `args`, `method` and `kwargs` are as for `params`. Of a family it is told in closed
    form, without torch; of other networks by what one forward on shapes shows. `context` are
    positions of each of `batch` sequences, by default as many as the input has.

    `runtime` (`vllm`, `llamacpp`, `hf` or one of their variants) adds what that program reserves;
    `kv_dtype`, `state_dtype` and `dtype` are what keys and values, states and weights are kept in.
    With a `gpu` one step gets a lower bound by the card's cited peaks (section `batches`). It is
    told how many sequences and positions fit beside the weights in the card's memory, in
    `card_memory="80GiB"`, or in `cache_memory` for the cache alone.

    `acceptance` and `guesses` are for speculative decoding, `draft_cost` the time of a run of the
    draft model over that of a step (section `guesses`). `verify` builds the network too, and holds
    what its layers would keep against the closed form (section `check`).

    Raises `UsageError` where it does not decode, `ForwardError` where a network of one's own
    does not run.
    """
    settings = {
        "context": context,
        "batch": batch,
        "runtime": runtime,
        "kv_dtype": kv_dtype,
        "state_dtype": state_dtype,
        "dtype": dtype,
        "gpu": gpu,
        "card_memory": card_memory,
        "cache_memory": cache_memory,
        "acceptance": acceptance,
        "guesses": guesses,
        "draft_cost": draft_cost,
        "verify": verify,
    }
    return analyse("kv", model, *args, settings=settings, method=method, **kwargs)
