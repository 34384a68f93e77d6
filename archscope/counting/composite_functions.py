"""Functions that torch takes apart before its dispatcher is asked, so that it sees other work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from archscope.counting.custom import composite_of
from archscope.counting.formulas import convolution, transposed_convolution, vecdot
from archscope.counting.fvcore_estimates import OF_FUNCTIONS
from archscope.counting.layouts import Formula, by_layout
from archscope.counting.out_of_sight import OutOfSight
from archscope.counting.recurrences import RECURRENT, is_long

WHOLE: dict[Any, tuple[str, Formula]] = {
    torch.linalg.vecdot: ("aten::linalg_vecdot", by_layout("aten::linalg_vecdot", vecdot))
}
"""Function to the operator that it is, and its formula."""
COMPLEX: dict[Any, tuple[str, Formula]] = {
    getattr(torch, name): (f"aten::{name}", by_layout(f"aten::{name}", formula))
    for formula, names in (
        (convolution, "conv1d conv2d conv3d"),
        (transposed_convolution, "conv_transpose1d conv_transpose2d conv_transpose3d"),
    )
    for name in names.split()
}
"""The same of those that torch makes three real ones of where numbers are complex (Gauss)."""


def _is_complex(args: Any) -> bool:
    return any(isinstance(each, Tensor) and each.is_complex() for each in args[:2])


def within_transform() -> bool:
    """Return whether what runs now is derived forwards, or transformed by torch.func."""
    derived = forward_ad._current_level >= 0
    return derived or torch._C._functorch.peek_interpreter_stack() is not None


def within_backward() -> bool:
    """Return whether what runs now is part of a backward."""
    return torch._C._current_graph_task_id() >= 0


class WholeFunctions(OutOfSight):
    """Has each call of such a function, or of one with an estimate, run by `whole`.

    A long one on shapes alone is run by `recurrence`.
    """

    def __init__(
        self, whole: Callable[[Any, Any, Any], Any], recurrence: Callable[[Any, Any], Any]
    ) -> None:
        super().__init__()
        self._whole = whole
        self._recurrence = recurrence
        self.transformed = False
        """Whether something ran within a transform of torch.func, or a derivative forwards."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.transformed = self.transformed or within_transform()
        if func in WHOLE or func in OF_FUNCTIONS or (func in COMPLEX and _is_complex(args)):
            return self._whole(func, args, kwargs or {})
        if composite_of(func) is not None:
            return self._whole(func, args, kwargs or {})
        if func in RECURRENT and is_long(args):
            return self._recurrence(func, args)
        return super().__torch_function__(func, types, args, kwargs)
