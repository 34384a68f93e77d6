"""Runs operators that take functions (`cond`, `while_loop`, `flex_attention`) as plain Python.

What their functions call is then seen one by one. torch's own kernels for some of them refuse to
run where anyone watches; what these do is said here again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Kernel = Callable[..., Any]


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
