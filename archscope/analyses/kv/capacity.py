"""How many positions and sequences there is room for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from archscope.analyses.kv.question import Question
from archscope.theory.cache import Cache
from archscope.theory.serving.demand import Asked, all_needed
from archscope.theory.serving.vllm import pool_tokens

_MOST = 2**40
"""Where a search for the largest number gives up: whatever is asked for fits."""


def size_of(cache: Cache, asked: Asked, ask: Question) -> int | None:
    """Return the bytes of a cache: those that the runtime reserves, without one those needed."""
    if ask.runtime is not None:
        return ask.runtime.total(cache, asked)
    return all_needed(cache, asked)


def sequences_that_fit(cache: Cache, ask: Question) -> int | None:
    """Return for how many sequences of the context there is room; None: nobody knows."""
    return _largest(cache, ask, lambda batch: replace(ask.asked, batch=batch))


def tokens_that_fit(cache: Cache, ask: Question) -> int | None:
    """Return for how many positions there is room, of all sequences together.

    Of vLLM it is what it logs, whose pages sequences share; else the length of one sequence.
    """
    if ask.room is None or not cache.per_position:
        return None
    if ask.runtime is not None and ask.runtime.word.startswith("vllm"):
        return pool_tokens(cache, ask.asked, max(ask.room, 0))
    return _largest(cache, ask, lambda context: replace(ask.asked, context=context, batch=1))


def _largest(cache: Cache, ask: Question, with_: Callable[[int], Asked]) -> int | None:
    """Return the largest number for which the cache fits; None where that has no end."""
    if ask.room is None:
        return None

    def fits(number: int) -> bool | None:
        size = size_of(cache, with_(number), ask)
        return None if size is None or ask.room is None else size <= ask.room

    if fits(1) is None:
        return None
    low, high = 0, 1
    while fits(high):
        low, high = high, 2 * high
        if high > _MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
