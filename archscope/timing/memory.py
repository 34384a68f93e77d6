"""How much memory a pass needs at its fullest, by torch's own allocators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from archscope.timing.allocator import handed_out, most
from archscope.timing.sampling import Stage


def peaks(
    stages: Sequence[Stage], device: torch.device, bytes_held: Callable[[], int]
) -> tuple[int, ...]:
    """Run each stage apart from all that is timed; return the most bytes allocated during each.

    On a card these are torch's statistics, whatever else it holds there included. On a CPU they are
    `bytes_held`, what is there before each run, and what torch's allocator hands out beside, by the
    profiler's events; what libraries take past it is not seen. Each stage runs twice there.
    """
    if device.type == "cuda":
        return tuple(_by_statistics(stage, device) for stage in stages)
    return tuple(_by_events(stages, bytes_held()))


def _by_statistics(stage: Stage, device: torch.device) -> int:
    torch.cuda.reset_peak_memory_stats(device)
    stage.run()
    torch.cuda.synchronize(device)
    return int(torch.cuda.max_memory_allocated(device))


def _by_events(stages: Sequence[Stage], alive: int) -> Iterator[int]:
    for handed in handed_out([stage.run for stage in stages])[len(stages) :]:
        yield alive + most(handed)
        alive += sum(each.bytes for each in handed)
