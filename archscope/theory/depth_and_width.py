"""How wide a network of a depth should be, and when attention costs as much as its layers."""

from __future__ import annotations

from math import exp, log


def levine_width(*, depth: float) -> float:
    """Return the width at which a self-attention network is as deep as pays: exp(5.039 + 0.0555 L).

    Levine et al. 2020, The Depth-to-Width Interplay in Self-Attention (arXiv 2006.12467).
    """
    return exp(5.039 + 0.0555 * depth)


def levine_depth(*, parameters: float) -> float:
    """Return the depth that pays of 12 L d^2 parameters in the blocks; see `levine_width`."""
    low, high = 1.0, 10_000.0
    for _ in range(100):
        middle = (low + high) / 2
        below = log(12 * middle) + 2 * (5.039 + 0.0555 * middle) < log(parameters)
        low, high = (middle, high) if below else (low, middle)
    return low


def attention_crossover(*, width: int, causal: bool = False) -> int:
    """Return the tokens at which attention's products cost as much as its four projections.

    8 S d^2 = 4 S^2 d at S = 2 d; where half of a causal mask is taken for no work, at 4 d (Austin
    et al. 2025, How to Scale Your Model, chapter on Transformers, question 5).
    """
    return (4 if causal else 2) * width
