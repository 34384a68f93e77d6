"""Decoding steps by number of sequences and by guessed tokens, with a GPU's bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.analyses.kv.capacity import size_of
from archscope.analyses.kv.question import Question
from archscope.analyses.kv.rows import BatchRow, GuessRow
from archscope.analyses.kv.settings import Settings
from archscope.hardware import Card
from archscope.theory.cache import Cache
from archscope.theory.decoding import StepCost, guessed, step_cost
from archscope.theory.stored import Stored

_LARGEST_BATCH = 512


def multiplying(cost: StepCost, card: Card, weights: Stored) -> float | None:
    """Return what a step's products take at the card's peak; None where that is not cited.

    Weights of a shorter type than 16 bits may be multiplied as they are or made longer first.
    """
    if weights.word == "fp32":
        peak = card.peak("tf32") or card.peak("fp32")
    else:
        peak = card.peak("bf16" if weights.word == "bf16" else "fp16")
    if peak is None or weights.word not in ("fp32", "fp16", "bf16"):
        return None
    return 2 * cost.macs / peak


def at_least(cost: StepCost, card: Card, weights: Stored) -> float:
    """Return what a step takes at least, in seconds: reading or multiplying, whichever is longer.

    Williams, Waterman & Patterson 2009, Roofline: both at the peaks, one under the other.
    """
    return max(cost.bytes / card.bandwidth, multiplying(cost, card, weights) or 0.0)


def batch_rows(cache: Cache, ask: Question) -> Iterator[BatchRow]:
    """Yield a row for each power of 2, and for the number of sequences that was asked for."""
    powers = {1 << power for power in range(_LARGEST_BATCH.bit_length())}
    for batch in sorted(powers | {ask.asked.batch}):
        asked = replace(ask.asked, batch=batch)
        cost = step_cost(cache, asked, ask.weights, ask.runtime)
        if cost is not None:
            yield _batch_row(cost, batch, ask, _fits(cache, replace(ask, asked=asked)))


def _batch_row(cost: StepCost, batch: int, ask: Question, fits: str) -> BatchRow:
    seconds, limit = None, ""
    if ask.card is not None:
        seconds = at_least(cost, ask.card, ask.weights)
        limit = "memory" if seconds == cost.bytes / ask.card.bandwidth else "arithmetic"
    return BatchRow(
        batch=batch,
        step_macs=cost.macs,
        step_flops=2 * cost.macs,
        weights_read=round(cost.weights),
        cache_read=cost.cache,
        step_seconds=seconds,
        tokens_per_second=batch / seconds if seconds else None,
        each=1 / seconds if seconds else None,
        limit=limit,
        fits=fits,
    )


def _fits(cache: Cache, ask: Question) -> str:
    if ask.room is None:
        return ""
    size = size_of(cache, ask.asked, ask)
    return "?" if size is None else "yes" if size <= ask.room else "no"


def guess_rows(cache: Cache, ask: Question, settings: Settings) -> Iterator[GuessRow]:
    """Yield a row for each number of guesses up to the one that was asked for."""
    if settings.guesses is None or settings.acceptance is None:
        return
    for guesses in range(1, settings.guesses + 1):
        found = guessed(settings.acceptance, guesses, cost=settings.draft_cost)
        cost = step_cost(cache, ask.asked, ask.weights, ask.runtime, tokens=guesses + 1)
        seconds = at_least(cost, ask.card, ask.weights) if cost and ask.card else None
        whole = None if seconds is None else seconds * (1 + guesses * settings.draft_cost)
        yield GuessRow(
            guesses=guesses,
            tokens=found.tokens,
            operations=found.operations,
            speed=found.speed,
            step_seconds=seconds,
            tokens_per_second=ask.asked.batch * found.tokens / whole if whole else None,
        )
