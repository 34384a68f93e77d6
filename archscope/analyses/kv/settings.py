"""The settings of `kv`."""

from __future__ import annotations

from typing import Literal

from archscope.amounts import size
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, option


@frozen
class Settings:
    """How many sequences of which length, in which number types, where and on what card."""

    context: int | None = option(
        None,
        "length of each sequence, e.g. 8192, 128k or 128Ki (none: the input's length)",
        low=1,
        high=2**30,
    )
    batch: int | None = option(
        None, "number of sequences at once (none: as in the input)", low=1, high=2**20
    )
    runtime: Literal[
        "none",
        "vllm",
        "vllm-no-hybrid",
        "llamacpp",
        "llamacpp-swa-full",
        "llamacpp-no-mla",
        "hf",
        "hf-static",
    ] = option("none", "also show what this runtime reserves")
    kv_dtype: Literal[
        "bf16", "fp16", "fp32", "fp8", "int8", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"
    ] = option("bf16", "number type of keys and values, scales included")
    state_dtype: Literal["bf16", "fp16", "fp32"] | None = option(
        None, "number type of recurrent states (none: the runtime's, else that of keys and values)"
    )
    dtype: Literal[
        "bf16", "fp16", "fp32", "fp8", "int8", "q8_0", "q6_k", "q5_k", "q4_k", "q4_0"
    ] = option("bf16", "number type of the weights")
    gpu: str = option("", "GPU whose peaks bound the time of a step, e.g. h100")
    card_memory: str = option(
        "",
        "memory for weights and cache, instead of the GPU's, e.g. 80GiB or 24GB",
        also="memory",
    )
    cache_memory: str = option("", "memory for the cache only, e.g. 5.38GiB")
    acceptance: float | None = option(
        None,
        "speculative decoding: probability that a guessed token is accepted, 0 to 1",
        low=0,
        high=1,
    )
    guesses: int | None = option(
        None, "speculative decoding: tokens that the draft model guesses per step", low=1, high=1000
    )
    draft_cost: float = option(
        0.0, "time of one run of the draft model, relative to a step", low=0, high=1000
    )
    verify: bool = option(False, "also build the network and check what its layers would cache")

    def __post_init__(self) -> None:
        check(self)
        if (self.acceptance is None) != (self.guesses is None):
            given, other = "acceptance", "guesses"
            if self.acceptance is None:
                given, other = other, given
            raise SpecError(given, getattr(self, given), f"needs {{{other}}}")
        if self.card_memory and self.cache_memory:
            problem = "cannot be combined with {card_memory}, which includes the weights"
            raise SpecError("cache_memory", self.cache_memory, problem)
        for field in ("card_memory", "cache_memory"):
            bytes_of(field, getattr(self, field))


def bytes_of(field: str, text: str) -> int | None:
    """Return the bytes of a text like `80GiB`; None of an empty one. Raises `SpecError`."""
    if not text:
        return None
    found = size(text)
    if found is None:
        raise SpecError(field, text, "is not a size; write a number and a unit, e.g. 80GiB")
    return found
