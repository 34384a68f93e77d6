"""Runs a forward in float64 throughout, also where it makes numbers of its own in another type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_LESS = (torch.float32, torch.float16, torch.bfloat16)
"""Types that `torch.zeros(n)`, `x.float()` or `mask.half()` make, which float64 cannot be written
into, nor be multiplied with as a matrix."""


class InFloat64(TorchFunctionMode):
    """Within it, what a function of torch returns in fewer bits is float64."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run a function as it is called, and take the type of what it returns."""
        return in_float64(func(*args, **(kwargs or {})))


def in_float64(found: Any) -> Any:
    """Return a tensor of fewer bits in float64, and anything else as it is."""
    if type(found) is Tensor and found.dtype in _LESS:
        with torch._C.DisableTorchFunction():
            return found.double()
    return found
