"""Functions that torch takes apart before its dispatcher is asked, so that it sees other work."""

from __future__ import annotations

from collections.abc import Callable
from types import BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.overrides import TorchFunctionMode

from archscope.counting.custom import composite_of
from archscope.counting.formulas import convolution, transposed_convolution, vecdot
from archscope.counting.fvcore_estimates import OF_FUNCTIONS
from archscope.counting.layouts import Formula, by_layout
from archscope.counting.older_numbers import OlderNumbers
from archscope.counting.operators import UNINITIALISED
from archscope.counting.recurrences import RECURRENT, is_long
from archscope.counting.uninitialised import Unwritten, memory_of
from archscope.running.module_stack import tensors_in

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


_OF_TORCH = (BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType)
_LEAVING = frozenset((Tensor.numpy, Tensor.__array__, Tensor.tolist, Tensor.__dlpack__))
"""Methods that hand a tensor's values to what is not torch."""


_FROM_OUTSIDE = frozenset((torch.from_numpy, torch.frombuffer, torch.from_file))
_OF_LISTS = frozenset((torch.tensor, torch.as_tensor))


def _is_complex(args: Any) -> bool:
    return any(isinstance(each, Tensor) and each.is_complex() for each in args[:2])


def _comes_empty(func: Any) -> bool:
    return f"aten::{func.__name__}" in UNINITIALISED or func in _FROM_OUTSIDE


def within_transform() -> bool:
    """Return whether what runs now is derived forwards, or transformed by torch.func."""
    derived = forward_ad._current_level >= 0
    return derived or torch._C._functorch.peek_interpreter_stack() is not None


def within_backward() -> bool:
    """Return whether what runs now is part of a backward."""
    return torch._C._current_graph_task_id() >= 0


class WholeFunctions(TorchFunctionMode):
    """Has each call of such a function, or of one with an estimate, run by `whole`.

    A long one on shapes alone is run by `recurrence`.
    """

    def __init__(
        self,
        whole: Callable[[Any, Any, Any], Any],
        recurrence: Callable[[Any, Any], Any],
        unwritten: Unwritten,
    ) -> None:
        super().__init__()
        self._whole = whole
        self._recurrence = recurrence
        self._unwritten = unwritten
        self._older = OlderNumbers()
        self.values_left = False
        """Whether something that is not torch was given a tensor's values."""
        self.listed = False
        """Whether they were listed in Python, and are no sizes and no indices."""
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
        if func in _LEAVING:
            self.values_left = True
            if func is Tensor.tolist and args[0].is_floating_point() and not self.listed:
                self.listed = True
                self._older.look()
        before = self._unwritten.names()
        result = func(*args, **(kwargs or {}))
        if (
            self._unwritten
            and isinstance(func, _OF_TORCH)
            and not self._is_from_outside(func, args)
        ):
            # A kernel of torch's own may write by an address to what it makes.
            self._unwritten.known(t for t in tensors_in(result) if memory_of(t) not in before)
        return result

    def _is_from_outside(self, func: Any, args: Any) -> bool:
        if self.listed and func in _OF_LISTS:
            return not self._older.has_all(*args[:1])
        return _comes_empty(func)
