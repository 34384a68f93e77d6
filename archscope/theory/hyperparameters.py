"""The best batch and learning rate by published scaling laws."""

from __future__ import annotations


def batch_growth(*, tokens: float) -> float:
    """Return how many times the best batch grows where the training tokens grow so many times.

    B ~ D^0.383: Bergsma et al. 2025, Power Lines (arXiv 2505.13738).
    """
    return float(tokens**0.383)


def deepseek_batch(*, flops: float) -> float:
    """Return the best batch in tokens: 0.2920 C^0.3271 (DeepSeek-AI 2024, equation 1)."""
    return float(0.2920 * flops**0.3271)


def deepseek_learning_rate(*, flops: float) -> float:
    """Return the best learning rate: 0.3118 C^-0.1250 (DeepSeek-AI 2024, equation 1)."""
    return float(0.3118 * flops**-0.1250)
