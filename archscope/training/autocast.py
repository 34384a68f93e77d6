"""What a card under autocast computes in 4 bytes, of which a CPU does norms and softmax in two.

The lists: torch, `ATen/autocast_mode.h`, AT_FORALL_FP32 and AT_FORALL_FP32_SET_OPT_DTYPE.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._pytree import tree_map_only

_CAST = (
    "acos asin cosh erfinv exp expm1 log log10 log2 log1p reciprocal rsqrt sinh tan pow __pow__ "
    "__rpow__ softplus layer_norm rms_norm group_norm cosine_similarity poisson_nll_loss "
    "cosine_embedding_loss nll_loss cross_entropy hinge_embedding_loss kl_div l1_loss "
    "smooth_l1_loss huber_loss mse_loss margin_ranking_loss multilabel_margin_loss "
    "soft_margin_loss triplet_margin_loss multi_margin_loss binary_cross_entropy_with_logits dist "
    "pdist cdist renorm logsumexp interpolate"
)
_TYPED = "prod softmax log_softmax cumprod cumsum sum norm"
"""Those that are told the number type of their answer instead."""
_NARROW = (torch.bfloat16, torch.float16)


def _named(names: str) -> frozenset[Any]:
    owners = (torch, Tensor, functional)
    found = (getattr(owner, name, None) for owner in owners for name in names.split())
    return frozenset(each for each in found if each is not None)


_CAST_FUNCTIONS = _named(_CAST)
_TYPED_FUNCTIONS = _named(_TYPED)


def as_a_card_computes(
    func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments with which a card under autocast would compute a function."""
    if func in _CAST_FUNCTIONS:
        return tree_map_only(Tensor, _wide, args), tree_map_only(Tensor, _wide, dict(kwargs))
    first = args[0] if args else None
    if func in _TYPED_FUNCTIONS and isinstance(first, Tensor) and first.dtype in _NARROW:
        return args, {**kwargs, "dtype": kwargs.get("dtype") or torch.float32}
    return args, dict(kwargs)


def _wide(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in _NARROW else tensor
