"""How much memory a pass needs at its fullest, by torch's own allocators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import torch

from archscope.timing.allocator import handed_out, most
from archscope.timing.sampling import Stage


def peaks(
    stages: Sequence[Stage], device: torch.device, bytes_held: Callable[[], int]
) -> tuple[int, ...] | None:
    """Run each stage apart from all that is timed; return the most bytes allocated during each.

    On an accelerator these are torch's statistics, whatever else it holds there included; None
    where it keeps none. On a CPU they are `bytes_held`, what is there before each run, and what
    torch's allocator hands out beside, by the profiler's events; what libraries take past it is not
    seen. Each stage runs twice there.
    """
    if device.type == "cpu":
        return tuple(_by_events(stages, bytes_held()))
    kept = _statistics(device)
    return None if kept is None else tuple(_by_statistics(stage, device, kept) for stage in stages)


def _statistics(device: torch.device) -> Any:
    """Return the module that keeps the statistics of a device's memory; None: none does."""
    asked = (torch.get_device_module(device), torch.accelerator)
    wanted = ("reset_peak_memory_stats", "max_memory_allocated")
    for module in asked:
        if all(hasattr(module, name) for name in wanted):
            with suppress(RuntimeError, NotImplementedError):  # a kind whose allocator keeps none
                module.reset_peak_memory_stats(device)
                return module
    return None


def _by_statistics(stage: Stage, device: torch.device, kept: Any) -> int:
    kept.reset_peak_memory_stats(device)
    stage.run()
    torch.accelerator.synchronize(device)
    return int(kept.max_memory_allocated(device))


def _by_events(stages: Sequence[Stage], alive: int) -> Iterator[int]:
    for handed in handed_out([stage.run for stage in stages])[len(stages) :]:
        yield alive + most(handed)
        alive += sum(each.bytes for each in handed)
