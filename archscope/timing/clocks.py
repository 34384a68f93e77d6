"""Three clocks behind one face: a device's events, the processor's counter, the two together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

import torch

from archscope.records import frozen
from archscope.timing.devices import accelerator


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
    rest: Callable[[Any, Iterable[torch.device]], float] = lambda mark, devices: 0.0
    """Returns how long devices go on after a mark was reached, which is in no time between marks:
    work on another stream than the current one, or on another device."""


def clock_for(device: torch.device) -> Clock:
    """Return the clock of a device: its events, or where these tell no time the host's counter."""
    if device.type == "cpu":
        return _COUNTER
    events = _events(device)
    try:
        start, end = events.mark(), events.mark()
        events.wait()
        events.seconds(start, end)
    except (RuntimeError, NotImplementedError):
        return _waiting(device)
    return events


def _events(device: torch.device) -> Clock:
    """Return a device's events: recorded in the stream, so that nothing waits between two runs."""

    def mark() -> torch.Event:
        event = torch.Event(device, enable_timing=True)
        event.record(torch.accelerator.current_stream(device))
        return event

    return Clock(
        name=f"{device.type.upper()} events",
        queued=True,
        mark=mark,
        wait=lambda: torch.accelerator.synchronize(device),
        # Events count in milliseconds, CUDA's in steps of about half a us.
        seconds=lambda start, end: float(start.elapsed_time(end)) / 1e3,
        rest=_after,
    )


def _after(mark: torch.Event, devices: Iterable[torch.device]) -> float:
    mark.synchronize()
    start = perf_counter()
    for device in devices:
        torch.accelerator.synchronize(device)
    return perf_counter() - start


def _of_accelerator(mark: float, devices: Iterable[torch.device]) -> float:
    """Return how long an accelerator that a network on the CPU has called goes on."""
    kind = accelerator()
    if kind is None:
        return 0.0
    module = torch.get_device_module(torch.device(kind))
    if not getattr(module, "is_initialized", lambda: True)():
        return 0.0
    start = perf_counter()
    torch.accelerator.synchronize()
    return perf_counter() - start


def _waiting(device: torch.device) -> Clock:
    """Return the host's counter, read when the device is done: launches are in each time."""
    wait = torch.get_device_module(device).synchronize

    def mark() -> float:
        wait()
        return perf_counter()

    return Clock(
        name=f"perf_counter, waiting for the {device.type.upper()} device",
        queued=False,
        mark=mark,
        wait=wait,
        seconds=lambda start, end: end - start,
    )


_COUNTER = Clock(
    name="perf_counter",
    queued=False,
    mark=perf_counter,
    wait=lambda: None,
    seconds=lambda start, end: end - start,
    rest=_of_accelerator,
)
"""Python's performance counter, which `torch.utils.benchmark` reads on a CPU too."""
