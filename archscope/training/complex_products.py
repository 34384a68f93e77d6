"""Runs complex convolutions as the four real ones that they are counted as.

torch makes three of each, which share what they add (Gauss), and of its backward too. A count is of
what is multiplied, whatever the kernel, and `params` counts four.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from archscope.counting.composite_functions import COMPLEX


class ComplexAsFour(TorchFunctionMode):
    """Has each product of a complex convolution, and its backward, run as one of real numbers."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = _as_four(func, *args, **(kwargs or {})) if func in COMPLEX else None
        return func(*args, **(kwargs or {})) if made is None else made


def _as_four(
    func: Any, input: Tensor, weight: Tensor, bias: Tensor | None = None, *rest: Any, **named: Any
) -> Tensor | None:
    """Return (a + bi)(c + di) = ac - bd + (ad + bc)i by four calls; None: it is not complex."""
    if not (input.is_complex() and weight.is_complex()):
        return None

    def product(x: Tensor, w: Tensor) -> Any:
        return func(x, w, None, *rest, **named)

    real = product(input.real, weight.real) - product(input.imag, weight.imag)
    imaginary = product(input.real, weight.imag) + product(input.imag, weight.real)
    made = torch.complex(real, imaginary)
    return made if bias is None else made + bias.reshape(-1, *(1,) * (weight.ndim - 2))
