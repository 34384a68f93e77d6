"""Products that torch takes apart, into operators that are none, before its dispatcher is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from archscope.counting.formulas import vecdot
from archscope.counting.layouts import Formula

WHOLE: dict[Any, tuple[str, Formula]] = {torch.linalg.vecdot: ("aten::linalg_vecdot", vecdot)}
"""Function to the operator that it is, and its formula."""


class WholeProducts(TorchFunctionMode):
    """Has each call of such a function run by `whole`, which takes it and its arguments."""

    def __init__(self, whole: Callable[[Any, Any, Any], Any]) -> None:
        super().__init__()
        self._whole = whole

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in WHOLE:
            return self._whole(func, args, kwargs or {})
        return func(*args, **(kwargs or {}))
