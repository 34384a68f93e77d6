"""What to say where a batch does not fit into memory, and whether it can fit at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from archscope.errors import ArchscopeError
from archscope.results import Report
from archscope.running.process import process_as_found
from archscope.subject import Inputs, Network, Subject
from archscope.timing.clocks import clock_for
from archscope.timing.devices import total_bytes
from archscope.timing.out_of_memory import (
    batch_size,
    first_of_batch,
    free,
    is_out_of_memory,
    largest_that_fits,
)
from archscope.timing.passes import Workload
from archscope.timing.precision import DTYPES, named

if TYPE_CHECKING:
    import torch


def does_not_fit(
    inputs: Inputs,
    device: torch.device,
    open_with: Callable[[Inputs], AbstractContextManager[Workload]],
    axis: int | None = 0,
) -> str:
    """Return a sentence that names the largest power-of-two batch that fits, after trying.

    Samples lie along an `axis` of the inputs.
    """
    free(device)
    batch = batch_size(inputs, axis)
    where = f"{_kind(device)} out of memory at batch {batch}{_size(device)}"
    if batch is None or axis is None or batch < 2:
        return f"{where}. There is no smaller batch; take fewer blocks or a shorter input."

    def run(smaller: int) -> None:
        # A frame of its own: what it holds is freed when it ends, also by an error.
        with open_with(first_of_batch(inputs, smaller, axis)) as workload:
            for _ in range(2):  # the optimiser's state is made in the first
                for stage in workload.stages:
                    stage.run()
            clock_for(device).wait()

    def fits(smaller: int) -> bool:
        try:
            run(smaller)
            return True
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            error.__traceback__ = None
            return False
        finally:
            free(device)

    largest = largest_that_fits(batch, fits)
    if largest is None:
        return f"{where}. Not even batch 1 fits."
    return f"{where}. Largest power of two that fits: {largest}."


def _kind(device: torch.device) -> str:
    return device.type.upper()


def _size(device: torch.device) -> str:
    size = None if device.type == "cpu" else total_bytes(device)
    return "" if size is None else f" ({size / 2**30:.1f} GiB card)"


def built(network: Network, device: torch.device) -> Subject:
    """Return the whole of a named network on `device`; raises `ArchscopeError` if it is too big."""
    try:
        with device:
            return process_as_found(network.whole)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        error.__traceback__ = None
    free(device)
    raise ArchscopeError(
        f"{_kind(device)} out of memory for the weights alone{_size(device)}. Take fewer blocks."
    )


def require_memory(counted: Report, precision: str, step: str) -> None:
    """Raise `ArchscopeError` where weights and the largest output alone exceed the machine.

    An operating system hands out more memory than it has and ends the program later, without a
    word; a card says so itself.
    """
    have = _machine_bytes()
    size = DTYPES[named(precision)].itemsize
    weights = counted.totals.trainable + counted.totals.frozen
    if step == "train":
        weights += 3 * counted.totals.trainable  # gradients and AdamW's two moments
    shapes = (row.output_shape for row in counted.section("modules").rows)
    largest = max((prod(shape) for shape in shapes if shape is not None), default=0)
    least = size * (weights + largest)
    if have is not None and least > have:
        raise ArchscopeError(
            f"needs {least / 2**30:.1f} GiB at least, for the weights and the largest output; this "
            f"machine has {have / 2**30:.1f} GiB. Take a smaller batch, or --device cuda."
        )


def _machine_bytes() -> int | None:
    """Return the memory of this machine, or of the container that it runs in."""
    try:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    with suppress(OSError, ValueError):
        return min(pages, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return pages
