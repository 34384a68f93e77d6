"""The KV cache of decoding, and the cost of a decoding step."""

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
    """Return the size of the KV cache, layer by layer, in bytes over all sequences.

    >>> kv("deepseek-v3").totals.per_position  # 61 layers x (512 + 64) x 2 bytes
    70272

    `model`, `args`, `method` and `kwargs` are as for `params`. For families the answer
    is a closed form, without torch; for other networks it comes from one forward on shapes.
    `context` is the number of positions of each of `batch` sequences (default: those of the input).

    `runtime` (`vllm`, `llamacpp`, `hf` or one of their variants) adds what that program reserves;
    `kv_dtype`, `state_dtype` and `dtype` are the number types of keys and values, states and
    weights. With a `gpu`, the time of a step gets a lower bound from the GPU's cited peaks (section
    `batches`). The report also says how many sequences and positions fit beside the weights into
    the GPU's memory, into `card_memory="80GiB"`, or into `cache_memory` for the cache only.

    `acceptance` and `guesses` are for speculative decoding; `draft_cost` is the time of a run of
    the draft model relative to a step (section `guesses`). `verify` also builds the network and
    compares what its layers would cache with the closed form (section `check`).

    Raises `UsageError` if the network does not decode, `ForwardError` if its forward fails.
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
