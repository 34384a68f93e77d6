"""How long a training takes and what it costs, from what it computes.

FLOPs are two for each multiply-accumulate. MFU and HFU are shares of the cards' peak that the
model's own FLOPs, or all that the hardware ran, are done in (Chowdhery et al. 2022, PaLM, arXiv
2204.02311, section 4.1 and appendix B).
"""

from __future__ import annotations

SECONDS_PER_DAY = 86_400
PF_DAY = 8.64e19
"""FLOPs of a day at 1 PFLOP/s (Brown et al. 2020, GPT-3, appendix D)."""


def train_flops(params: float, tokens: float, *, per_param: int = 6) -> float:
    """Return 6 N D: two for the forward, four for the backward (Kaplan et al. 2020, 2001.08361).

    Of an encoder-decoder 3 N D: each token meets half of the parameters (Brown et al. 2020,
    appendix D).
    """
    return per_param * params * tokens


def attention_flops_per_token(
    layers: int, heads: int, width: int, length: float, value_width: int | None = None
) -> float:
    """Return 12 L H Q T, or 6 L H (Q + V) T: what 6 N leaves out, forward and backward.

    T is the mean of the keys that a token meets: half of the length where it sees its past alone
    and masked pairs are not counted (PaLM, appendix B, counts all).
    """
    return 6 * layers * heads * (width + (width if value_width is None else value_width)) * length


def utilisation(flops: float, seconds: float, cards: int, peak: float) -> float:
    """Return the share of the peak, FLOP/s of one card, that so many FLOPs were done at.

    Of the model's own FLOPs it is MFU, of all that ran HFU.
    """
    return flops / (seconds * cards * peak)


def seconds_for(flops: float, cards: int, peak: float, mfu: float) -> float:
    """Return how long so many of the model's own FLOPs take."""
    return flops / (cards * peak * mfu)


def days_with_recomputation(params: float, tokens: float, cards: int, achieved: float) -> float:
    """Return 8 T P / (n X), in days: with every layer run again, X FLOP/s on each card.

    Narayanan et al. 2021 (arXiv 2104.04473), equation 4.
    """
    return train_flops(params, tokens, per_param=8) / (cards * achieved) / SECONDS_PER_DAY


def gpu_hours(seconds: float, cards: int) -> float:
    """Return the hours that all cards together are taken."""
    return seconds * cards / 3600


def hours_at_rate(tokens: float, tokens_per_second: float) -> float:
    """Return card-hours for so many tokens at what one card does in a second."""
    return tokens / tokens_per_second / 3600


def achieved_flops(flops: float, card_hours: float) -> float:
    """Return the FLOP/s that each card did, from what was computed in so many card-hours."""
    return flops / (card_hours * 3600)


def cost(card_hours: float, price: float) -> float:
    """Return what so many card-hours cost, at a price for one."""
    return card_hours * price
