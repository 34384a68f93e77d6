"""Weights in fewer bits than a float has: how each format lays its blocks out, and bits per weight.

A block is so many weights and the scales that they share. What is stored beside it (a scale of
scales for the whole tensor, zero points of a layer) is a few numbers, and left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from archscope.errors import UsageError, did_you_mean
from archscope.records import frozen

_GGUF = "ggml-org/llama.cpp, ggml/src/ggml-common.h; gguf-py, GGML_QUANT_SIZES"


@frozen
class Format:
    """How a number type stores weights."""

    name: str
    """What the user types, e.g. `Q4_K`."""
    weights: int
    """Weights in one block."""
    bytes: Fraction
    """What a block takes, its scales included."""
    source: str
    """Where the layout stands."""

    @property
    def bits(self) -> Fraction:
        """Bits for each weight."""
        return 8 * self.bytes / self.weights


def _formats(source: str, *blocks: tuple[str, int, float | Fraction]) -> tuple[Format, ...]:
    return tuple(
        Format(name=name, weights=weights, bytes=Fraction(size), source=source)
        for name, weights, size in blocks
    )


FORMATS = (
    *_formats(
        "IEEE 754; bfloat16: 8 bits of exponent",
        ("fp64", 1, 8),
        ("fp32", 1, 4),
        ("fp16", 1, 2),
        ("bf16", 1, 2),
    ),
    *_formats(
        "Micikevicius et al. 2022, FP8 Formats for Deep Learning (arXiv 2209.05433)",
        ("fp8", 1, 1),
    ),
    *_formats(
        "Dettmers et al. 2022, LLM.int8() (arXiv 2208.07339): a scale for each row", ("int8", 1, 1)
    ),
    *_formats(
        _GGUF,
        *(("F32", 1, 4), ("F16", 1, 2), ("BF16", 1, 2)),
        *(("Q4_0", 32, 18), ("Q4_1", 32, 20), ("Q5_0", 32, 22), ("Q5_1", 32, 24)),
        *(("Q8_0", 32, 34), ("Q8_1", 32, 36)),
        *(("Q2_K", 256, 84), ("Q3_K", 256, 110), ("Q4_K", 256, 144)),
        *(("Q5_K", 256, 176), ("Q6_K", 256, 210), ("Q8_K", 256, 292)),
        *(("IQ1_S", 256, 50), ("IQ1_M", 256, 56), ("IQ2_XXS", 256, 66), ("IQ2_XS", 256, 74)),
        *(("IQ2_S", 256, 82), ("IQ3_XXS", 256, 98), ("IQ3_S", 256, 110)),
        *(("IQ4_NL", 32, 18), ("IQ4_XS", 256, 136)),
        *(("TQ1_0", 256, 54), ("TQ2_0", 256, 66), ("MXFP4", 32, 17), ("NVFP4", 64, 36)),
    ),
    *_formats(
        "Dettmers et al. 2023, QLoRA (arXiv 2305.14314), section 3: blocks of 64, a scale in fp32",
        ("NF4", 64, 32 + 4),
    ),
    *_formats(
        "the same with double quantisation: scales in 8 bits, of 256 blocks one in fp32",
        ("NF4-DQ", 64 * 256, 32 * 256 + 256 + 4),
    ),
    *_formats(
        "Open Compute Project 2023, Microscaling Formats v1.0: blocks of 32, a scale of 8 bits",
        ("MXFP8", 32, 33),
        ("MXFP6", 32, 25),
    ),
    *_formats(
        "Frantar et al. 2022, GPTQ (arXiv 2210.17323), groups of 128: a scale in fp16 and a zero "
        "point of 4 bits, as AutoGPTQ and AutoAWQ pack them",
        ("GPTQ-4-128", 128, 64 + 2 + Fraction(1, 2)),
        ("AWQ-4-128", 128, 64 + 2 + Fraction(1, 2)),
    ),
    *_formats(
        "compressed-tensors w4a16, symmetric, groups of 128: a scale in 16 bits, no zero point",
        ("W4A16-128", 128, 66),
    ),
)
"""Those of the same maker in the order of its list."""


def format_named(name: str) -> Format:
    """Return a format by its name, whatever its case; raises `UsageError` with the nearest."""
    known = {each.name.lower(): each for each in reversed(FORMATS)}
    if name.lower() not in known:
        near = did_you_mean(name, [each.name for each in FORMATS])
        raise UsageError(
            f"no number type is called {name!r}; there are "
            f"{', '.join(each.name for each in FORMATS)}.{near}"
        )
    return known[name.lower()]


def bits_per_weight(*, format: str) -> Fraction:
    """Return the bits that a weight takes, its share of the scales included.

    >>> float(bits_per_weight(format="Q4_K")), float(bits_per_weight(format="NF4-DQ"))
    (4.5, 4.126953125)
    """
    return format_named(format).bits


def block_bits(*, weights: int, bytes: float) -> Fraction:
    """Return the bits for each weight of a block of so many weights and bytes.

    >>> float(block_bits(weights=32, bytes=18))  # Q4_0: 32 times 4 bits and a scale of 16
    4.5
    """
    return 8 * Fraction(bytes) / weights


def grouped_bits(
    *, bits: float, group: int, scale_bits: float = 16, zero_bits: float | None = None
) -> Fraction:
    """Return bits for each weight where a group shares a scale and a zero point.

    `zero_bits` None: a zero point has as many bits as a weight (GPTQ, AWQ); 0: there is none.

    >>> float(grouped_bits(bits=4, group=128))
    4.15625
    """
    zero = bits if zero_bits is None else zero_bits
    return Fraction(bits) + (Fraction(scale_bits) + Fraction(zero)) / group


def double_quantised_bits(
    *, block: int = 64, blocks: int = 256, scale_bits: int = 8, outer_bits: int = 32
) -> Fraction:
    """Return the bits of constants for each weight where scales are quantised themselves.

    8/64 + 32/(64 x 256): Dettmers et al. 2023, QLoRA (arXiv 2305.14314), section 3; of scales in
    fp32 it would be 32/64.

    >>> float(double_quantised_bits())
    0.126953125
    """
    return Fraction(scale_bits, block) + Fraction(outer_bits, block * blocks)


def stored_bytes(*, weights: int, format: str) -> int:
    """Return the bytes of so many weights, whole blocks."""
    of = format_named(format)
    return -(-weights // of.weights * of.bytes.numerator) // of.bytes.denominator


def mixed_bytes(
    *,
    body: int,
    format: str,
    head: int = 0,
    head_format: str = "Q6_K",
    embedding: int = 0,
    embedding_format: str | None = None,
    norms: int = 0,
) -> int:
    """Return the bytes of a network whose head, tables and norms have types of their own.

    `body`, `head`, `embedding` and `norms` are weights. llama.cpp keeps norms in fp32 and, in its
    4-bit mixes, the head in `Q6_K` (tools/quantize); embeddings are as the body where not said.
    """
    return (
        stored_bytes(weights=body, format=format)
        + stored_bytes(weights=head, format=head_format)
        + stored_bytes(weights=embedding, format=embedding_format or format)
        + 4 * norms
    )


def parts_bytes(*, weights: Sequence[int], formats: Sequence[str]) -> int:
    """Return the bytes of parts that have so many weights each, in formats of their own."""
    pairs = zip(weights, formats, strict=True)
    return sum(stored_bytes(weights=count, format=format) for count, format in pairs)


def layers_of_more_bits(*, layers: int) -> int:
    """Return in how many blocks llama.cpp's K_M mixtures keep values and down projections wider.

    The first and the last eighth, and of the others each third: `use_more_bits` of ggml-org/
    llama.cpp, src/llama-quant.cpp. In Q4_K_M these are Q6_K, the rest Q4_K, the head Q6_K.

    >>> layers_of_more_bits(layers=32)
    16
    """
    first, last = layers // 8, 7 * layers // 8
    return first + (last - first) // 3 + layers - last


def packed_elements(
    *, linear: int, bits: int = 4, group: int = 128, unpacked: int = 0, word_bits: int = 32
) -> Fraction:
    """Return how many elements a file's headers show of packed weights: fewer than it has weights.

    `linear` weights lie `word_bits / bits` to a word, with a scale for each `group`; `unpacked` are
    elements that are as they were (embeddings, head, norms).
    """
    return Fraction(linear * bits, word_bits) + Fraction(linear, group) + unpacked


def sparse_saving(*, bits: int, kept: int = 2, of: int = 4, index_bits: int = 2) -> Fraction:
    """Return the share of memory that N:M sparsity saves, indices included.

    1 - (2 b + 2 x 2) / (4 b) of 2:4 sparsity: Mishra et al. 2021 (arXiv 2104.08378), section 3.

    >>> float(sparse_saving(bits=16))
    0.4375
    """
    return 1 - Fraction(kept * (bits + index_bits), of * bits)
