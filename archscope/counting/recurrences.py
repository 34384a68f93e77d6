"""Recurrences on shapes alone, of which torch writes out each step where data would be one kernel.

What a step adds is the same for each, so that one step and two tell what any number of them does:
c(n) = (2 - n) c(1) + (n - 1) c(2).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from archscope.running.layer_shapes import recurrence

RECURRENT = frozenset((torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu))
"""Functions of a whole sequence: (x, state, weights, biases, layers, ..., batch_first)."""
_FEW = 4
"""Steps below which nothing is saved."""


def is_long(args: Any) -> bool:
    """Return whether such a function is given many steps of shapes alone, and none is packed."""
    x = args[0]
    if type(x) is not Tensor or not x.is_meta or x.ndim != 3 or is_functorch_wrapped_tensor(x):
        return False
    packed = not isinstance(args[3], bool)  # sizes of the batch stand before the state
    return not packed and not torch.is_grad_enabled() and x.shape[int(args[8])] >= _FEW


def parts(args: Any) -> list[tuple[Any, int]]:
    """Return the arguments of shorter runs, and how often what is counted in each counts."""
    x, axis = args[0], int(args[8])
    steps = x.shape[axis]
    with torch._C._DisableTorchDispatch():  # it is no work of the network's
        return [
            ((x.narrow(axis, 0, few), *args[1:]), times)
            for few, times in ((1, 2 - steps), (2, steps - 1))
        ]


def whole(args: Any) -> Any:
    """Return what the function returns of all steps, empty; None where its arguments are odd."""
    with torch._C._DisableTorchDispatch():
        return recurrence(*args)
