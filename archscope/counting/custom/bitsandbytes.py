"""Products with weights of 8 and 4 bits of the package bitsandbytes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from torch import Tensor

from archscope.counting.custom import FormulaSet, no_products

FORMULAS = FormulaSet()


@FORMULAS.of("bitsandbytes::int8_linear_matmul", "bitsandbytes::int8_scaled_mm")
def eight_bits(x: Tensor, weight: Tensor, *_: Any, **__: Any) -> int:
    """x (*, in), weight (out, in)."""
    return x.numel() * weight.shape[0]


@FORMULAS.of("bitsandbytes::int8_mixed_scaled_mm")
def with_outliers(x: Tensor, codes: Tensor, weight: Tensor, *rest: Any, **named: Any) -> int:
    """x (*, in) in 8 bits, weight (out, in); columns of outliers count twice, in 16 bits."""
    outliers = named.get("outlier_cols", rest[2] if len(rest) > 2 else None)
    twice = 0 if outliers is None else outliers.numel()
    return prod(x.shape[:-1]) * weight.shape[0] * (x.shape[-1] + twice)


@FORMULAS.of("bitsandbytes::gemv_4bit")
def four_bits(x: Tensor, weight: Tensor, shape: Sequence[int], *_: Any, **__: Any) -> int:
    """x (*, in), a packed weight of `shape` (out, in)."""
    return x.numel() * int(shape[0])


FORMULAS.of(
    "bitsandbytes::int8_mm_dequant",
    "bitsandbytes::int8_vectorwise_quant",
    "bitsandbytes::int8_vectorwise_dequant",
    "bitsandbytes::int8_double_quant",
    "bitsandbytes::quantize_4bit",
    "bitsandbytes::dequantize_4bit",
    "bitsandbytes::quantize_blockwise",
    "bitsandbytes::dequantize_blockwise",
)(no_products)
