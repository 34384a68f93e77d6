"""What the device says of itself while it is timed: clocks, temperature, others that use it.

All is read and nothing is set. What cannot be read is unknown, with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from archscope.records import frozen


@frozen
class Reading:
    """One thing that was read."""

    name: str
    """E.g. `temperature`."""
    value: str | int | float | None
    """None where it could not be read."""
    unit: str = ""
    """E.g. `°C`; empty for words and counts."""
    unknown: str | None = None
    """Why there is no value."""


def read(device: torch.device) -> tuple[Reading, ...]:
    """Return what can be read of the device now."""
    return _card(device) if device.type == "cuda" else _cpu()


def _cpu() -> tuple[Reading, ...]:
    return (
        _reading("processor", _processor),
        _reading("vector instructions", torch.backends.cpu.get_cpu_capability),
        _reading("threads", torch.get_num_threads),
        _reading("load of the last minute", lambda: round(os.getloadavg()[0], 2)),
    )


def _card(device: torch.device) -> tuple[Reading, ...]:
    def of_card() -> Any:
        return torch.cuda.get_device_properties(device)

    return (
        _reading("card", lambda: str(of_card().name)),
        _reading("card memory", lambda: int(of_card().total_memory), "B"),
        _reading("multiprocessors", lambda: int(of_card().multi_processor_count)),
        _reading("clock rate", lambda: torch.cuda.clock_rate(device), "MHz"),
        _reading("temperature", lambda: torch.cuda.temperature(device), "°C"),
        _reading("power", lambda: torch.cuda.power_draw(device) / 1000, "W"),
        _reading("other processes", lambda: others(torch.cuda.list_gpu_processes(device))),
    )


def _reading(name: str, read: Callable[[], str | int | float], unit: str = "") -> Reading:
    try:
        return Reading(name=name, value=read(), unit=unit)
    except Exception as error:  # the driver's library is missing, too old, or says no
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return Reading(name=name, value=None, unit=unit, unknown=lines[0])


def others(listed: str) -> int:
    """Return how many processes but this one a listing of torch names; raises `LookupError`."""
    if not listed.startswith("GPU:"):  # a sentence that says why there is none
        raise LookupError(listed.strip())
    words = [line.split() for line in listed.splitlines() if line.strip().startswith("process")]
    return sum(1 for line in words if line[1:2] != [str(os.getpid())])


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    found = next((line for line in lines if line.startswith("model name")), None)
    if found is None:
        raise LookupError("the system does not name it")
    return found.partition(":")[2].strip()
