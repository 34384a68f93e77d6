"""Builds networks for their shapes alone: on the meta device, without filling their weights.

Filling costs nothing on meta, except that the first normal distribution makes torch import its
decompositions, 800 modules in 1.5 s.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from archscope.running.device import default_device
from archscope.running.formulas import formulas_alone


class _Unfilled(TorchFunctionMode):
    """Skips the functions of `torch.nn.init`, which fill the tensor that comes first."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if func is torch.Tensor.normal_ or getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else named["tensor"]
        return func(*args, **named)


@contextmanager
def shapes_only() -> Iterator[None]:
    """Within it, new tensors have a shape and no values."""
    with torch.device("meta"), _Unfilled(), formulas_alone():
        yield


@contextmanager
def filled_where_real() -> Iterator[None]:
    """Within it, new weights are filled as ever, unless the default device is meta."""
    if default_device().type != "meta":
        yield
        return
    with _Unfilled():
        yield
