"""Published closed forms of a GPT with L layers of width h, from the papers on Megatron-LM.

s tokens, b sequences of a micro-batch, B of a batch, a heads, V words, t cards of tensor and p of
pipeline parallelism. Narayanan et al. 2021 (arXiv 2104.04473) and Korthikanti et al. 2022 (arXiv
2205.05198). They hold for feed-forwards of 4 h, as many key heads as query heads, activations of
two bytes and dropout; a plan itself goes by the layers that a network has.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

Recomputed = Literal["none", "selective", "full"]


def params(layers: int, width: int, words: int, length: int) -> Fraction:
    """Return 12 L h^2 (1 + 13 / (12 h) + (V + s) / (12 L h)): 2104.04473, equation 2."""
    h = width
    factor = 1 + Fraction(13, 12 * h) + Fraction(words + length, 12 * layers * h)
    return 12 * layers * h**2 * factor


def block_params(layers: int, width: int) -> int:
    """Return 12 L h^2: the weights of the blocks' matrices."""
    return 12 * layers * width**2


def flops_per_step(
    batch: int,
    layers: int,
    length: int,
    width: int,
    words: int,
    *,
    recompute: Recomputed = "none",
) -> Fraction:
    """Return FLOPs of a step: none, the model's own, 72 B L s h^2 (1 + s / 6h + V / 12 h L).

    2205.05198, equation 7. Selective: (1 + s / 3h + V / 12 h L), its equation 8, which counts
    attention's products twice over where they run once more. Full: 96 B L s h^2 (1 + s / 6h +
    V / 16 L h), 2104.04473, equation 3.
    """
    h, head = width, Fraction(words, 12 * layers * width)
    if recompute == "full":
        return (
            96
            * batch
            * layers
            * length
            * h**2
            * (1 + Fraction(length, 6 * h) + Fraction(words, 16 * layers * h))
        )
    scores = Fraction(length, 3 * h if recompute == "selective" else 6 * h)
    return 72 * batch * layers * length * h**2 * (1 + scores + head)


def selective_overhead(length: int, width: int) -> Fraction:
    """Return what equations 8 and 7 differ by, the head left out: 2205.05198, section 5.

    (1 + s / 3h) / (1 + s / 6h) - 1; products that run once more add a third of that.

    >>> round(float(selective_overhead(2048, 12288)), 3)
    0.027
    """
    once = Fraction(length, 6 * width)
    return (1 + 2 * once) / (1 + once) - 1


def layer_activations(
    length: int,
    batch: int,
    width: int,
    heads: int,
    *,
    tensor: int = 1,
    sequence_parallel: bool = False,
    recompute: Recomputed = "none",
) -> Fraction:
    """Return the activation memory of one layer in bytes: 2205.05198, table 2.

    s b h (10 + 24 / t + 5 a s / (h t)), with sequence parallelism s b h / t (34 + 5 a s / h);
    selective leaves out the last term, full keeps 2 s b h.

    >>> int(layer_activations(2048, 1, 12288, 96))
    2868903936
    """
    sbh = length * batch * width
    if recompute == "full":
        return Fraction(2 * sbh)
    scores = Fraction(5 * heads * length, width) if recompute == "none" else Fraction(0)
    if sequence_parallel:
        return sbh * (34 + scores) / tensor
    return sbh * (10 + (24 + scores) / tensor)


def outer_activations(
    length: int, batch: int, width: int, words: int, *, tensor: int = 1, stages: int = 1
) -> Fraction:
    """Return the activation memory of embeddings and head in bytes: 2205.05198, section 4.3.

    s b h p / t for dropout behind the embeddings; without a pipeline 4 s b h / t (1 + V / h) too.

    >>> int(outer_activations(2, 1, 3, 6))  # 6 + 24 (1 + 6 / 3)
    78
    """
    sbh = length * batch * width
    found = Fraction(sbh * stages, tensor)
    if stages == 1:
        found += Fraction(4 * sbh, tensor) * (1 + Fraction(words, width))
    return found
