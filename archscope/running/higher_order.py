"""Runs operators that take functions (`cond`, `while_loop`, `flex_attention`) as plain Python.

What their functions call is then seen one by one. torch's own kernels for some of them refuse to
run where anyone watches; what these do is said here again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode

Kernel = Callable[..., Any]
Mode = TypeVar("Mode", bound=type[TorchDispatchMode])


def _cond(predicate: Any, if_true: Kernel, if_false: Kernel, operands: Any) -> Any:
    """Run the branch that is taken."""
    return if_true(*operands) if predicate else if_false(*operands)


def _scan(combine: Kernel, start: Any, items: Any, additional: Any = ()) -> Any:
    from torch._higher_order_ops.scan import generic_scan

    return generic_scan(combine, start, items, additional_inputs=additional)


_KERNELS: dict[str, Kernel] = {"cond": _cond, "scan": _scan}


def derived(kernel: Kernel, mode: Any, args: Any, kwargs: Any) -> Any:
    """Run what `kernel_of` gave within a mode again, with gradients: below it there are none."""
    before = torch._C._dispatch_tls_is_dispatch_key_excluded(_AUTOGRAD)
    torch._C._dispatch_tls_set_dispatch_key_excluded(_AUTOGRAD, False)
    try:
        with mode:
            return kernel(*args, **kwargs)
    finally:
        torch._C._dispatch_tls_set_dispatch_key_excluded(_AUTOGRAD, before)


_AUTOGRAD: Any = torch._C.DispatchKey.AutogradFunctionality


def kernel_of(func: Any) -> Kernel | None:
    """Return what runs a higher-order operator in Python; None for other operators."""
    if not isinstance(func, torch._ops.HigherOrderOperator):
        return None
    own = func.py_kernels.get(torch._C.DispatchKey.CompositeExplicitAutograd)
    return _KERNELS.get(func.name(), own)


def sees_functions(mode: Mode) -> Mode:
    """Decorate a mode that operators that take functions are to be handed to; see `kernel_of`."""
    if hasattr(TorchDispatchMode, "supports_higher_order_operators"):
        mode.supports_higher_order_operators = True
        return mode
    # Older torch hands it those alone that have a rule for just this class.
    for func in torch._ops._higher_order_ops.values():
        if func.name() not in _NOT_IN_OLDER:
            func.python_key_table[mode] = _handed(func)
    return mode


_NOT_IN_OLDER = {"map_impl", "scan"}
"""Operators that fail under a mode of older torch: there one runs its function once more before any
mode is asked, which would be counted, and the other takes other arguments."""


def _handed(func: Any) -> Kernel:
    return lambda mode, *args, **kwargs: mode.__torch_dispatch__(func, (), args, kwargs)
