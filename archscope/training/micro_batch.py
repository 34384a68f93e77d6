"""A batch in parts: one pass for each, their gradients added up before the weights are updated."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from archscope.errors import UsageError
from archscope.running.copies import Copies
from archscope.running.module_stack import tensors_in
from archscope.running.twin import copied
from archscope.subject import Inputs, Subject


def in_parts(subject: Subject, size: int | None) -> tuple[Subject, int]:
    """Return a network with inputs of a part of its batch, and how many parts there are.

    Of a network that its family makes the batch is known; of any other it is taken to be the first
    axis of all its inputs. Raises `UsageError` where that cannot be told, or the size does not
    divide the batch.
    """
    if size is None:
        return subject, 1
    if subject.at_batch is not None:
        batch = int(subject.config["batch_size"])
        times = _times(batch, size)
        made = subject.at_batch(size)
        return replace(made, name=subject.name, origin=subject.origin), times
    batch = _batch(subject)
    times = _times(batch, size)
    assert subject.inputs is not None

    def first_of(tensor: Tensor) -> Tensor:
        return tensor[:size].detach()

    inputs: Inputs = copied(subject.inputs, first_of, Copies())
    return replace(subject, inputs=inputs), times


def _batch(subject: Subject) -> int:
    given = subject.inputs
    tensors = tensors_in((given.args, dict(given.kwargs))) if given is not None else []
    sizes = {tensor.shape[0] if tensor.dim() else 0 for tensor in tensors}
    if len(sizes) != 1 or 0 in sizes:
        shapes = ", ".join("x".join(map(str, each.shape)) or "a number" for each in tensors)
        raise UsageError(
            "micro_batch: the batch axis of the inputs is ambiguous, because their first "
            f"axes differ ({shapes or 'there are none'}); give inputs of the size that is meant"
        )
    return int(sizes.pop())


def _times(batch: int, size: int) -> int:
    if batch % size:
        near = [n for n in range(1, batch + 1) if batch % n == 0]
        fits = ", ".join(map(str, near[:12]))
        raise UsageError(f"micro_batch: {size} does not divide the batch of {batch}; give {fits}")
    return batch // size
