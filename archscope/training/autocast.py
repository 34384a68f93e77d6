"""What a card's autocast computes in another number type than a CPU's does.

torch keeps a list for each kind of device (`ATen/autocast_mode.h`): a card takes norms, softmaxes,
losses, powers, logarithms and sums to 32 bits, a CPU leaves them in the 16 bits that they come in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_CASTS = (
    *("acos", "asin", "cosh", "erfinv", "exp", "expm1", "log", "log10", "log1p", "log2", "pow"),
    *("__pow__", "__rpow__", "reciprocal", "rsqrt", "sinh", "softplus", "tan", "logsumexp"),
    *("layer_norm", "native_layer_norm", "rms_norm", "group_norm", "interpolate", "upsample"),
    *("cosine_similarity", "dist", "pdist", "cdist", "renorm"),
    *("binary_cross_entropy_with_logits", "cosine_embedding_loss", "cross_entropy"),
    *("hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss", "margin_ranking_loss"),
    *("mse_loss", "multi_margin_loss", "multilabel_margin_loss", "nll_loss"),
    *("poisson_nll_loss", "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss"),
)
"""Functions whose operands are cast to 32 bits."""
_SUMS = (
    *("cumprod", "cumsum", "log_softmax", "matrix_norm", "norm", "prod", "softmax", "sum"),
    "vector_norm",
)
"""Functions that are told to answer in 32 bits, and keep their operand as it came."""
_PRODUCTS = ("gru_cell", "lstm_cell", "prelu", "rnn_relu_cell", "rnn_tanh_cell")
"""Functions whose operands are cast to 16 bits, and are not on a CPU."""


def _all(names: Iterable[str]) -> frozenset[Any]:
    owners: tuple[Any, ...] = (torch, Tensor, functional, torch.linalg)
    found = (getattr(owner, name, None) for owner in owners for name in names)
    return frozenset(each for each in found if each is not None)


_CAST, _SUMMED, _MULTIPLIED = map(_all, (_CASTS, _SUMS, _PRODUCTS))


def as_a_card_casts(
    func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what a function is to be called with within autocast, as a card's would have it."""
    if func in _CAST:
        return _cast(args, torch.float32), {k: _cast(v, torch.float32) for k, v in kwargs.items()}
    if func in _SUMMED and kwargs.get("dtype") is None and _is_narrow(args[0]):
        return args, {**kwargs, "dtype": torch.float32}
    if func in _MULTIPLIED:
        narrow = torch.get_autocast_dtype("cpu")
        return _cast(args, narrow), {k: _cast(v, narrow) for k, v in kwargs.items()}
    return args, dict(kwargs)


def _cast(value: Any, dtype: torch.dtype) -> Any:
    """Return tensors of 16 or 32 bits in a number type, within tuples and lists too."""
    if isinstance(value, Tensor):
        casts = value.dtype in (torch.float16, torch.bfloat16, torch.float32)
        return value.to(dtype) if casts else value
    if type(value) in (tuple, list):
        return type(value)(_cast(each, dtype) for each in value)
    return value


def _is_narrow(operand: Any) -> bool:
    return isinstance(operand, Tensor) and operand.dtype in (torch.float16, torch.bfloat16)
