"""The peak memory of a pass, from torch's own allocators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from archscope.timing.allocator import UnseenError, handed_out, most
from archscope.timing.sampling import Stage

_WANTED = ("reset_peak_memory_stats", "max_memory_allocated", "memory_allocated")


def peaks(
    stages: Sequence[Stage], device: torch.device, bytes_held: Callable[[], int]
) -> tuple[int, ...]:
    """Run each stage apart from all that is timed; return the most bytes allocated during each.

    These are `bytes_held`, what is there before each run, and what torch's allocator hands out
    beside: by the statistics of an accelerator's, by the profiler's events of a CPU's, where each
    stage runs twice. What else the device holds is not among them, and what libraries take past
    the allocator is not seen. Raises `UnseenError` where the allocator tells nothing.
    """
    if device.type == "cpu":
        return tuple(_by_events(stages, bytes_held()))
    return tuple(_by_statistics(stages, device, _statistics(device), bytes_held()))


def _statistics(device: torch.device) -> Any:
    """Return the module that keeps the statistics of a device's memory."""
    for module in (torch.get_device_module(device), torch.accelerator):
        if all(hasattr(module, name) for name in _WANTED):
            try:
                module.reset_peak_memory_stats(device)
                before = module.memory_allocated(device)
                probe = torch.empty(1, device=device)
                grown = module.memory_allocated(device) > before
            except (RuntimeError, NotImplementedError):  # an allocator of a package's own
                continue
            del probe
            if grown:  # it does not where each block comes from the driver
                return module
    raise UnseenError(f"torch keeps no statistics of {device.type.upper()} memory here")


def _by_statistics(
    stages: Sequence[Stage], device: torch.device, kept: Any, alive: int
) -> Iterator[int]:
    for stage in stages:
        kept.reset_peak_memory_stats(device)
        before = int(kept.memory_allocated(device))
        stage.run()
        torch.accelerator.synchronize(device)
        yield alive + max(int(kept.max_memory_allocated(device)) - before, 0)
        alive += int(kept.memory_allocated(device)) - before


def _by_events(stages: Sequence[Stage], alive: int) -> Iterator[int]:
    for handed in handed_out([stage.run for stage in stages])[len(stages) :]:
        yield alive + most(handed)
        alive += sum(each.bytes for each in handed)
