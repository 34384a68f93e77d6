"""fvcore's estimates for norms, pools and resampling, of what torch's dispatcher runs.

They stand in where torch's tracer cannot follow a forward, so that FLOPs keep their convention.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Estimate = Callable[..., int]
"""Takes an operator's arguments and its result; returns FLOPs."""


def _normalisation(weight_at: int) -> Estimate:
    """5 FLOPs for an element with a weight, 4 without."""

    def estimate(x: Tensor, *rest: Any, **named: Any) -> int:
        weight = rest[weight_at - 1] if len(rest) >= weight_at else named.get("weight")
        return x.numel() * (4 if weight is None else 5)

    return estimate


def _batch_norm(x: Tensor, weight: Tensor | None, *rest: Any, **_: Any) -> int:
    """2 FLOPs for an element in evaluation with a weight, 1 without; as other norms in training."""
    trains = next((each for each in rest if isinstance(each, bool)), False)
    if trains:
        return x.numel() * (4 if weight is None else 5)
    return x.numel() * (1 if weight is None else 2)


def _of_input(x: Tensor, *_: Any, **__: Any) -> int:
    """Every element of the input is added once."""
    return x.numel()


def _of_result(times: int) -> Estimate:
    def estimate(*_: Any, result: Tensor, **__: Any) -> int:
        return times * result.numel()

    return estimate


ESTIMATES: dict[str, Estimate] = {
    f"aten::{name}": estimate
    for estimate, names in (
        (_normalisation(2), "native_layer_norm _fused_rms_norm"),
        (_normalisation(1), "native_group_norm"),
        (_batch_norm, "native_batch_norm cudnn_batch_norm miopen_batch_norm"),
        (_batch_norm, "_native_batch_norm_legit _native_batch_norm_legit_functional"),
        (_batch_norm, "_native_batch_norm_legit_no_training _batch_norm_no_update"),
        (_of_input, "_adaptive_avg_pool2d adaptive_avg_pool2d"),
        (_of_result(1), "upsample_nearest2d"),
        (_of_result(4), "upsample_bilinear2d grid_sampler_2d grid_sampler_3d"),
    )
    for name in names.split()
}
"""Operator name with namespace to its estimate."""

OF_FUNCTIONS: dict[Any, Estimate] = {
    functional.adaptive_avg_pool2d: _of_input,
    functional.rms_norm: _normalisation(2),
    torch.rms_norm: _normalisation(2),
    functional.instance_norm: _normalisation(3),
    torch.instance_norm: _normalisation(1),
}
"""Functions that the dispatcher does not see as such: a pool over everything is a mean to it."""
