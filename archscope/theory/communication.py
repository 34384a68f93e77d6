"""What one GPU sends in a training step, in bytes.

A ring of n cards sends 2 (n - 1) / n of what it sums up everywhere (all-reduce), half of that where
each ends with a part of the sum (reduce-scatter) or with all parts (all-gather); Patarasuk and Yuan
2009. The figures of papers are those of many cards, where (n - 1) / n is 1.
"""

from __future__ import annotations

from fractions import Fraction

MANY = 0
"""So many cards that (n - 1) / n is 1."""


def part_sent(ranks: int) -> Fraction:
    """Return (n - 1) / n; `MANY` cards: 1."""
    return Fraction(1) if ranks == MANY else Fraction(ranks - 1, ranks)


def all_reduce(size: int, ranks: int) -> Fraction:
    """Return the bytes that each GPU sends in an all-reduce of so many bytes."""
    return 2 * size * part_sent(ranks)


def all_gather(size: int, ranks: int) -> Fraction:
    """Return the bytes that each GPU sends in an all-gather of so many bytes in total.

    A reduce-scatter sends as much: its size is that of what is summed up.
    """
    return size * part_sent(ranks)


def all_to_all(size: int, ranks: int) -> Fraction:
    """Return the bytes that each GPU sends in an all-to-all of so many bytes."""
    return size * part_sent(ranks)


def data_parallel(
    params: int, *, zero: int = 0, weight: int = 2, gradient: int = 2, ranks: int = MANY
) -> Fraction:
    """Return the bytes that a GPU sends for weights and gradients in a step; `zero`: ZeRO stage.

    Rajbhandari et al. 2020, ZeRO (arXiv 1910.02054), section 7: gradients are summed up, which is
    2 for each parameter, or each card gets the sum of its part and gives its new weights to all, 2
    too; in stage 3 the weights are gathered in the forward and once more in the backward, 3.

    >>> float(data_parallel(10**10, zero=3)) / 1e9
    60.0
    """
    weights, gradients = params * weight, params * gradient
    if zero == 0:
        return all_reduce(gradients, ranks)
    gathers = 2 if zero > 2 else 1
    return all_gather(gradients, ranks) + gathers * all_gather(weights, ranks)


def tensor_parallel_layer(size: int, ranks: int = MANY, *, recompute: bool = False) -> Fraction:
    """Return the bytes that a GPU sends in one layer for one micro-batch of `size` = sbh bytes.

    Shoeybi et al. 2019 (arXiv 1909.08053), section 3: two all-reduces in the forward, two in the
    backward. Sequence parallelism makes a reduce-scatter and an all-gather of each, which send as
    much (Korthikanti et al. 2022, section 4.2.2). A layer that runs again reduces again.

    >>> int(tensor_parallel_layer(100, 2))  # four all-reduces, of 2 (2 - 1) / 2 x 100 each
    400
    """
    return (6 if recompute else 4) * all_reduce(size, ranks)
