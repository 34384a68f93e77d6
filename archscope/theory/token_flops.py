"""Floating-point operations of a Transformer for each token or sequence, where layers differ.

A multiply-accumulate is two FLOPs.
"""

from __future__ import annotations

from collections.abc import Sequence


def flops_per_token(*, parameters: float, attention: float = 0) -> float:
    """Return 6 N and the FLOPs of attention's products: forward and backward for one token.

    Chowdhery et al. 2022, PaLM (arXiv 2204.02311), appendix B. Which parameters N is changes from
    author to author: PaLM takes all, torchtitan and nanochat those that multiply, of a mixture
    the active ones. `archscope scaling` has each of a network.
    """
    return 6 * parameters + attention


def keys_met(*, pattern: Sequence[int], layers: int, length: int, last: int | None = None) -> int:
    """Return the keys that one query meets in all layers together, where windows recur.

    `pattern` are the windows in tokens of one round, `last` that of the last layer where it is
    another. None is longer than the input.

    >>> keys_met(pattern=(1024, 1024, 1024, 2048), layers=24, length=2048, last=2048)
    30720
    """
    met = [min(window, length) for window in pattern]
    rounds, rest = divmod(layers if last is None else layers - 1, len(met))
    return rounds * sum(met) + sum(met[:rest]) + (0 if last is None else min(last, length))


def decoder_forward_flops(*, layers: int, width: int, length: int, vocabulary: int) -> int:
    """Return the forward FLOPs of a sequence through a decoder with feed-forwards of 4 d, no gate.

    L (24 S d^2 + 4 S^2 d) + 2 S d V: Hoffmann et al. 2022 (arXiv 2203.15556), appendix F, without
    softmax and look-up; so does the notebook transformer_sizing of karpathy/nanoGPT.

    >>> decoder_forward_flops(layers=12, width=768, length=1024, vocabulary=50257)
    291648307200
    """
    block = 24 * length * width**2 + 4 * length**2 * width
    return layers * block + 2 * length * width * vocabulary


def throughput_flops(*, seconds: float, devices: float, flops_per_second: float) -> float:
    """Return the FLOPs of so many devices that run at so many FLOPs per second for so long.

    Vaswani et al. 2017 (arXiv 1706.03762), table 2, tell theirs so.
    """
    return seconds * devices * flops_per_second
