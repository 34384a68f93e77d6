"""One step of decoding: what it multiplies and what it reads; and what guessing ahead comes to.

Every sequence of a batch brings one token, or with speculative decoding several. Weights are read
once for all of them, the cache of each sequence once.
"""

from __future__ import annotations

from collections.abc import Callable

from archscope.records import frozen
from archscope.theory.cache import Cache
from archscope.theory.census import EMBEDDING, EXPERTS, LINEAR, Counted
from archscope.theory.serving.demand import Asked, Runtime, all_needed
from archscope.theory.stored import Stored


@frozen
class StepCost:
    """What one step of all sequences does."""

    macs: int
    """Multiply-accumulates, of weights and of what is kept."""
    weights: float
    """Bytes of the weights that are read; of experts as many as are expected."""
    least_weights: int
    """The same where all tokens are sent to the same experts."""
    most_weights: int
    """The same where no two are, as far as there are enough."""
    cache: int
    """Bytes of the cache that are read: all that is kept."""

    @property
    def bytes(self) -> float:
        """Bytes that are read."""
        return self.weights + self.cache


def step_cost(
    cache: Cache, asked: Asked, weights: Stored, runtime: Runtime | None = None, tokens: int = 1
) -> StepCost | None:
    """Return what a step of `asked.batch` sequences does, each of which brings so many tokens.

    None where the network does not tell what runs in a step.
    """
    if cache.step is None:
        return None
    rows = asked.batch * tokens
    layers = cache.step(rows)
    met = sum(layer.step_macs(asked.context) for layer in cache.layers)
    least, expected, most = (
        sum(_read(layer, weights, rows, experts) for layer in layers)
        for experts in (fewest_experts, expected_experts, most_experts)
    )
    return StepCost(
        macs=sum(layer.macs for layer in layers) + rows * met,
        weights=expected,
        least_weights=round(least),
        most_weights=round(most),
        cache=all_needed(cache, asked, runtime),
    )


Experts = Callable[[int, int, int], float]
"""How many of so many experts are met, each of so many tokens being sent to so many of them."""


def _read(layer: Counted, weights: Stored, tokens: int, experts: Experts) -> float:
    """Return the bytes of a layer's weights that are read for so many tokens."""
    if layer.kind == EMBEDDING:  # a row for each token
        return weights.of(layer.outputs * layer.times)
    size = weights.of(_held(layer))
    if layer.kind != EXPERTS:
        return size
    every, chosen = layer.form.symbols["E"], layer.form.symbols["n"] // tokens
    return size * experts(every, chosen, tokens) / every


def _held(layer: Counted) -> int:
    """Return the weights of a layer: those that stand elsewhere too are read here all the same."""
    form = layer.form
    tied = layer.kind == LINEAR and "i*o" not in form.params
    own = form.params_value + (form.symbols["i"] * form.symbols["o"] if tied else 0)
    return own * max(layer.copies, 1)


def expected_experts(every: int, chosen: int, tokens: int) -> float:
    """Return the expectation where a router chooses evenly, and for each token anew.

    One expert is left out by all tokens with probability (1 - k/E)^tokens.

    >>> expected_experts(8, 2, 1), round(expected_experts(128, 8, 64), 1)
    (2.0, 125.9)
    """
    return every * (1 - (1 - chosen / every) ** tokens) if tokens > 1 else float(chosen)


def fewest_experts(every: int, chosen: int, tokens: int) -> float:
    """Return as many as there are where all tokens are sent to the same ones."""
    return chosen


def most_experts(every: int, chosen: int, tokens: int) -> float:
    """Return as many as there are where no two tokens share one, as far as there are enough."""
    return min(every, chosen * tokens)


@frozen
class Guess:
    """What guessing so many tokens ahead comes to (Leviathan, Kalman & Matias 2023)."""

    guesses: int
    """Tokens that a draft model guesses before each step."""
    tokens: float
    """Tokens that a step is expected to yield (equation 1)."""
    operations: float
    """Operations for each token, over those without guesses (theorem 3.11)."""
    speed: float
    """Tokens in the same time, over those without guesses (theorem 3.8)."""


def guessed(acceptance: float, guesses: int, *, cost: float = 0.0, work: float = 0.0) -> Guess:
    """Return what `guesses` tokens ahead come to, each accepted with the same probability.

    `cost` is the time of a run of the draft model over one of the network's steps, `work` the
    operations of the one over those of the other.

    >>> found = guessed(0.8, 5)
    >>> round(found.tokens, 3), round(found.operations, 2)
    (3.689, 1.63)
    """
    ahead = range(guesses + 1)
    tokens = sum(acceptance**step for step in ahead)  # (1 - a^(g+1)) / (1 - a), at a = 1 too
    return Guess(
        guesses=guesses,
        tokens=tokens,
        operations=(guesses * work + guesses + 1) / tokens,
        speed=tokens / (guesses * cost + 1),
    )
