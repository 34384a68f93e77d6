"""Two clocks behind one face: events on a CUDA device, the processor's own counter elsewhere."""

from __future__ import annotations

from time import perf_counter
from typing import Any, Protocol

import torch


class Clock(Protocol):
    """Marks points in the work of a device, and tells how far apart they are."""

    name: str
    """What a reader calls it, e.g. `CUDA events`."""
    queued: bool
    """Whether work goes on after the call that asked for it has returned."""

    def mark(self) -> Any:
        """Mark the point that the device's work has reached, or will reach in its turn."""

    def wait(self) -> None:
        """Return when the device has done all that it was asked for."""

    def seconds(self, start: Any, end: Any) -> float:
        """Return the time between two marks that were reached."""

    def now(self) -> float:
        """Return the time at the host, for budgets."""


class CpuClock:
    """Python's performance counter, which `torch.utils.benchmark` reads on a CPU too."""

    name = "perf_counter"
    queued = False

    def mark(self) -> float:
        """See `Clock.mark`."""
        return perf_counter()

    def wait(self) -> None:
        """See `Clock.wait`; a CPU is done when a call returns."""

    def seconds(self, start: float, end: float) -> float:
        """See `Clock.seconds`."""
        return end - start

    def now(self) -> float:
        """See `Clock.now`."""
        return perf_counter()


class CudaClock:
    """CUDA events: recorded in the stream, so that nothing waits between two runs."""

    name = "CUDA events"
    queued = True

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def mark(self) -> torch.cuda.Event:
        """See `Clock.mark`."""
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event

    def wait(self) -> None:
        """See `Clock.wait`."""
        torch.cuda.synchronize(self._device)

    def seconds(self, start: torch.cuda.Event, end: torch.cuda.Event) -> float:
        """See `Clock.seconds`; events count in milliseconds, in steps of about half a us."""
        return float(start.elapsed_time(end)) / 1e3

    def now(self) -> float:
        """See `Clock.now`."""
        return perf_counter()


def clock_for(device: torch.device) -> Clock:
    """Return the clock of a device."""
    return CudaClock(device) if device.type == "cuda" else CpuClock()
