"""Sees what a forward does above torch's dispatcher, where a recorder is blind.

Lists as indices and tensors made of Python numbers would come out without data where the input has
none; and numbers that Python reads out of a tensor leave the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_MADE = frozenset((torch.tensor, torch.as_tensor, torch.asarray))
_READ = frozenset((Tensor.numpy, Tensor.tolist, Tensor.__array__, Tensor.__dlpack__))
"""Methods that hand a tensor's values to Python without an operator."""


class FunctionRecorder(TorchFunctionMode):
    """Keeps the data of constants on `home`, and calls `on_read` with tensors that are read."""

    def __init__(self, home: torch.device, on_read: Callable[[Tensor], None]) -> None:
        super().__init__()
        self._home = home
        self._on_read = on_read

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _MADE and _is_meta(kwargs.get("device")):
            kwargs = {**kwargs, "device": self._home}
        elif func is Tensor.new_tensor and args[0].is_meta and kwargs.get("device") is None:
            kwargs = {"dtype": args[0].dtype, **kwargs, "device": self._home}
            return torch.tensor(*args[1:], **kwargs)
        elif func in (Tensor.__getitem__, Tensor.__setitem__) and args[0].is_meta:
            args = (args[0], _with_data(args[1]), *args[2:])
        elif func in _READ:
            self._on_read(args[0])
        return func(*args, **kwargs)


def _is_meta(device: Any) -> bool:
    return device is not None and torch.device(device).type == "meta"


def _with_data(index: Any) -> Any:
    """Return an index in which lists of numbers are tensors with data."""
    if isinstance(index, tuple):
        return tuple(map(_with_data, index))
    if isinstance(index, list | range) and _is_of_numbers(index):
        return torch.tensor(list(index)) if len(index) else torch.tensor([], dtype=torch.long)
    return index


def _is_of_numbers(index: Any) -> bool:
    return all(
        isinstance(one, int) or (isinstance(one, list | tuple) and _is_of_numbers(one))
        for one in index
    )
