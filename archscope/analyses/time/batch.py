"""Which axis of the first input is the batch: what is counted per second lies along it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archscope.errors import ArchscopeError
from archscope.subject import Inputs, Subject

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
    from archscope.dependence.record.argument_names import input_tensors

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


def items_of(subject: Subject, batch: int | None = 0) -> tuple[str | None, int | None]:
    """Return what is counted per second and how much of it one run takes in.

    Tokens where the spec has a length in tokens or the first input is a matrix of integers,
    samples where the first input has an axis along which these lie.
    """
    shapes = subject.inputs.shapes() if isinstance(subject.inputs, Inputs) else ()
    if not shapes or not shapes[0].shape:
        return None, None
    first = shapes[0]
    is_long = len(first.shape) >= 2 and "seq_len" in subject.config
    if is_long or (len(first.shape) == 2 and first.dtype in ("int64", "int32")):
        return "token", first.shape[0] * first.shape[1]
    return ("sample", first.shape[batch]) if batch is not None else ("sample", 1)


def items_told(subject: Subject) -> tuple[str | None, int | None]:
    """Return what `items_of` does where that follows from shapes and fields alone.

    Of a module of one's own that takes three or four axes a run would have to tell: None.
    """
    item, items = items_of(subject)
    first = subject.inputs.shapes()[0] if items is not None and subject.inputs else None
    low, high = ALWAYS_FIRST
    told = first is None or not low < len(first.shape) < high or "batch_size" in subject.config
    return (item, items) if told else (None, None)
