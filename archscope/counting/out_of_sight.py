"""Notices what NumPy, plain Python or an extension works out in the middle of a forward."""

from __future__ import annotations

from types import BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from archscope.counting.older_numbers import OlderNumbers
from archscope.counting.operator_info import Operator
from archscope.counting.operators import UNINITIALISED
from archscope.counting.uninitialised import Unwritten, memory_of
from archscope.running.module_stack import tensors_in

FILLED = (
    "memory was filled out of torch's sight, by NumPy, plain Python or an extension: that work is "
    "not counted"
)

_OF_TORCH = (BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType)
_LEAVING = frozenset((Tensor.numpy, Tensor.__array__, Tensor.tolist, Tensor.__dlpack__))
"""Methods that hand a tensor's values to what is not torch."""
_FROM_OUTSIDE = frozenset((torch.from_numpy, torch.frombuffer, torch.from_file))
_OF_ONE_VALUE = frozenset(
    f"{before}{name}{after}"
    for name in ("zeros", "ones", "full")
    for before, after in (("", ""), ("", "_like"), ("new_", ""))
)
_OF_LISTS = frozenset((torch.tensor, torch.as_tensor))


class OutOfSight(TorchFunctionMode):
    """Follows values that leave torch, and memory that comes back filled.

    A mode that sees operators tells `ran` of each. `asked_alone`: of memory that comes empty
    follow what Python asked for alone, since torch's kernels fill their own by an address.
    """

    def __init__(self, *, asked_alone: bool = False) -> None:
        super().__init__()
        self._asked_alone = asked_alone
        self._asked = False
        """Whether what runs now is Python's call for such memory."""
        self.unwritten = Unwritten()
        self._older = OlderNumbers()
        self._values_left = False
        self._listed = False
        """Whether they were listed in Python, and are no sizes and no indices."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _LEAVING:
            self._values_left = True
            self.unwritten.handed_out(args[:1])
            if func is Tensor.tolist and args[0].is_floating_point() and not self._listed:
                self._listed = True
                self._older.look()
        before = self.unwritten.names()
        self._asked = _comes_empty(func)
        result = func(*args, **(kwargs or {}))
        self._asked = False
        if isinstance(func, _OF_TORCH) and func.__name__ in _OF_ONE_VALUE:
            self.unwritten.uniform(tensors_in(result))
        if self.unwritten and isinstance(func, _OF_TORCH) and not self._is_from_outside(func, args):
            # A kernel of torch's own may write by an address to what it makes.
            self.unwritten.known(t for t in tensors_in(result) if memory_of(t) not in before)
        return result

    def ran(
        self, operator: Operator, func: Any, args: Any, kwargs: Any, result: Any, path: str
    ) -> None:
        """Note what an operator made, wrote and read in the module at `path`."""
        if operator.uninitialised:
            if self._asked_alone and not self._asked:
                return
            self.unwritten.made(tensors_of(result))
        elif operator.name == "aten::lift_fresh" and self._values_left:
            self.unwritten.lifted(tensors_of(result), listed=self._listed)
        elif self.unwritten:
            inputs = tensors_of((args, list(kwargs.values())))
            self.unwritten.met(func, args, kwargs, inputs, path)

    def _is_from_outside(self, func: Any, args: Any) -> bool:
        if self._listed and func in _OF_LISTS:
            return not self._older.has_all(*args[:1])
        return _comes_empty(func)


def _comes_empty(func: Any) -> bool:
    return f"aten::{func.__name__}" in UNINITIALISED or func in _FROM_OUTSIDE


def tensors_of(value: Any) -> list[Tensor]:
    """Return the tensors among the arguments or results of an operator."""
    return [leaf for leaf in _flat(value) if isinstance(leaf, Tensor)]


def _flat(value: Any) -> list[Any]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _flat(item)]
    return [value] if not isinstance(value, dict) else tree_leaves(value)
