"""Functions that torch takes apart before its dispatcher is asked, so that it sees other work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from archscope.counting.formulas import vecdot
from archscope.counting.fvcore_estimates import OF_FUNCTIONS
from archscope.counting.layouts import Formula

WHOLE: dict[Any, tuple[str, Formula]] = {torch.linalg.vecdot: ("aten::linalg_vecdot", vecdot)}
"""Function to the operator that it is, and its formula."""


class WholeFunctions(TorchFunctionMode):
    """Has each call of such a function, or of one with an estimate, run by `whole`."""

    def __init__(self, whole: Callable[[Any, Any, Any], Any]) -> None:
        super().__init__()
        self._whole = whole

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in WHOLE or func in OF_FUNCTIONS:
            return self._whole(func, args, kwargs or {})
        return func(*args, **(kwargs or {}))
