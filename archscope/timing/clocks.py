"""Two clocks behind one face: events on a CUDA device, the processor's own counter elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch

from archscope.records import frozen


@frozen
class Clock:
    """Marks points in the work of a device, and tells how far apart they are."""

    name: str
    """What a reader calls it, e.g. `CUDA events`."""
    queued: bool
    """Whether work goes on after the call that asked for it has returned."""
    mark: Callable[[], Any]
    """Marks the point that the device's work has reached, or will reach in its turn."""
    wait: Callable[[], object]
    """Returns when the device has done all that it was asked for."""
    seconds: Callable[[Any, Any], float]
    """Returns the time between two marks that were reached."""
    now: Callable[[], float] = perf_counter
    """Returns the time at the host, for budgets."""


def clock_for(device: torch.device) -> Clock:
    """Return the clock of a device."""
    return _events(device) if device.type == "cuda" else _COUNTER


def _events(device: torch.device) -> Clock:
    """Return CUDA events: recorded in the stream, so that nothing waits between two runs."""

    def mark() -> torch.cuda.Event:
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(device))
        return event

    return Clock(
        name="CUDA events",
        queued=True,
        mark=mark,
        wait=lambda: torch.cuda.synchronize(device),
        # Events count in milliseconds, in steps of about half a us.
        seconds=lambda start, end: float(start.elapsed_time(end)) / 1e3,
    )


_COUNTER = Clock(
    name="perf_counter",
    queued=False,
    mark=perf_counter,
    wait=lambda: None,
    seconds=lambda start, end: end - start,
)
"""Python's performance counter, which `torch.utils.benchmark` reads on a CPU too."""
