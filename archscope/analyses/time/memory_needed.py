"""Whether a pass fits into memory, from its peak, asked before it is built."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING

from archscope.errors import ArchscopeError, ForwardError
from archscope.results import Report
from archscope.running.attributes import buffers_of
from archscope.running.storages import bytes_of
from archscope.subject import Subject
from archscope.timing.devices import free_bytes, machine_bytes, total_bytes
from archscope.timing.out_of_memory import batch_size, free, largest_that_fits
from archscope.timing.precision import DTYPES, named
from archscope.training.forward_peak import forward_peak

if TYPE_CHECKING:
    import torch

STEP_TO_FORWARD = 6
"""A step of training keeps less than so many times what all modules return."""

Peak = Callable[[Subject], int | None]
"""Returns the most bytes that a pass of a network takes; None where nobody knows."""


def require_memory(
    sketch: Subject, counted: Report, device: torch.device, precision: str, peak: Peak
) -> None:
    """Raise `ArchscopeError` where a pass takes more at its `peak` than the device has.

    An operating system hands out more memory than it has and ends the program later, without a
    word; a card is full half-way. The peak is asked for only where a rough look does not settle it.
    """
    have = available(device)
    if have is None or roughly(counted, precision) <= have:
        return
    needs = peak(sketch)
    if needs is None or needs <= have:
        return
    where = "this machine has" if device.type == "cpu" else f"of {device} are free"
    size = f"{have / 2**30:.1f} GiB"
    has = f"{where} {size}" if device.type == "cpu" else f"{size} {where}"
    advice = _largest(sketch, peak, have)
    raise ArchscopeError(f"needs {needs / 2**30:.1f} GiB at its peak; {has}. {advice}")


def available(device: torch.device) -> int | None:
    """Return the bytes that a pass can have; None where nobody knows."""
    return machine_bytes() if device.type == "cpu" else _left(device)


def roughly(counted: Report, precision: str) -> int:
    """Return more bytes than a pass takes, a step of training too, by what was counted."""
    size = DTYPES[named(precision)].itemsize
    weights: int = counted.totals.trainable + counted.totals.frozen
    rows = counted.section("modules").rows
    shapes = (row.output_shape for row in rows for _ in range(max(row.calls, 1)))
    outputs: int = sum(prod(shape) for shape in shapes if shape is not None)
    return size * (4 * weights + STEP_TO_FORWARD * outputs)


def peak_of_forward(sketch: Subject, counted: Report, precision: str) -> int | None:
    """Return the most bytes of a forward pass without gradients; None where it needs data."""
    dtype = DTYPES[named(precision)]
    weights: int = dtype.itemsize * (counted.totals.trainable + counted.totals.frozen)
    try:
        return weights + bytes_of(buffers_of(sketch.model)) + forward_peak(sketch, dtype)
    except ForwardError:
        return None


def _largest(sketch: Subject, peak: Peak, have: int) -> str:
    """Return what to do: the largest batch that fits, where the network can be told for others."""
    batch = None if sketch.inputs is None else batch_size(sketch.inputs)
    if batch is None or batch < 2 or sketch.at_batch is None:
        return "Take a smaller batch, a shorter number type or fewer blocks."
    at_batch = sketch.at_batch

    def fits(smaller: int) -> bool:
        needs = peak(at_batch(smaller))
        return needs is not None and needs <= have

    found = largest_that_fits(batch, fits)
    return "Not even batch 1 fits." if found is None else f"Batch {found} fits."


def _left(device: torch.device) -> int | None:
    """Return what of an accelerator's memory can be had."""
    free(device)
    found = free_bytes(device)
    return total_bytes(device) if found is None else found
