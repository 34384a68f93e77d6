"""What to say if a batch does not fit into memory, and whether it can fit at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from archscope.errors import ArchscopeError, is_out_of_memory
from archscope.running.process import outside_modes, process_as_found
from archscope.subject import Inputs, Network, Subject
from archscope.timing.clocks import clock_for
from archscope.timing.devices import total_bytes
from archscope.timing.out_of_memory import (
    batch_size,
    first_of_batch,
    free,
    largest_that_fits,
)
from archscope.timing.passes import Workload

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


def built(network: Network, device: torch.device, dtype: torch.dtype) -> Subject:
    """Return the whole of a named network on `device`; raises `ArchscopeError` if it is too big.

    Its weights are made in `dtype`: made in 32 bits and cast, one of 16 would need twice its size,
    and thrice while it is cast.
    """
    import torch

    def make() -> Subject:
        torch.set_default_dtype(dtype)
        with device:
            return network.whole()

    def make_and_cast() -> Subject:
        with device:
            return network.whole()

    try:
        try:
            return outside_modes(lambda: process_as_found(make))
        except (RuntimeError, TypeError, ValueError) as error:
            # A network of one's own may be made in 32 bits alone.
            if dtype is torch.get_default_dtype() or is_out_of_memory(error):
                raise
            return outside_modes(lambda: process_as_found(make_and_cast))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        error.__traceback__ = None
    free(device)
    raise ArchscopeError(
        f"{_kind(device)} out of memory for the weights alone{_size(device)}. Take fewer blocks."
    )
