"""Which axis of the first input is the batch: what is counted per second lies along it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archscope.errors import ArchscopeError
from archscope.subject import Inputs

if TYPE_CHECKING:
    from torch import nn

ALWAYS_FIRST = (2, 5)
"""Axes of tensors whose first is the batch in any case: a matrix, a batch of volumes."""


def batch_axis(model: nn.Module, inputs: Inputs) -> int | None:
    """Return the axis of the first input along which samples lie; None: it is one sample.

    Of three or four axes operators tell: time may come before the batch, as torch's recurrent and
    transformer layers take it, and one image may come alone. Where they do not, it is the first.
    """
    from archscope.dependence.answer.examine import examine
    from archscope.dependence.record.capture import input_tensors

    first = next(iter(input_tensors(inputs).items()), None)
    if first is None or not first[1].dim():
        return None
    name, tensor = first
    low, high = ALWAYS_FIRST
    if not (tensor.is_floating_point() and low < tensor.dim() < high):
        return 0
    try:
        roles = examine(model, inputs, studied=name).roles
    except ArchscopeError:
        return 0
    return roles.batch
