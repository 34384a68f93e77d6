"""What the device says of itself while it is timed: clocks, temperature, others that use it.

All is read and nothing is set. What cannot be read is unknown, with the reason.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from archscope.records import frozen
from archscope.timing.devices import name_of, told, total_bytes


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
    return _cpu() if device.type == "cpu" else _card(device)


def _cpu() -> tuple[Reading, ...]:
    return (
        _reading("processor", _processor),
        _reading("vector instructions", torch.backends.cpu.get_cpu_capability),
        _reading("threads", torch.get_num_threads),
        _reading("load of the last minute", lambda: round(os.getloadavg()[0], 2)),
    )


def _card(device: torch.device) -> tuple[Reading, ...]:
    def of_card(*names: str) -> Any:
        properties = told(device, "get_device_properties")
        found = (getattr(properties, name, None) for name in names)
        return _known(next((each for each in found if each is not None), None), device)

    def asked(function: str) -> Any:
        found = _known(told(device, function), device)
        if not found:  # torch's word for what AMD's library does not say
            raise LookupError("the driver's library does not report it")
        return found

    # NVIDIA's library tells thousandths, AMD's watts.
    watts = 1000 if device.type == "cuda" and torch.version.hip is None else 1
    return (
        _reading("card", lambda: name_of(device)),
        _reading("card memory", lambda: _known(total_bytes(device), device), "B"),
        _reading("multiprocessors", lambda: of_card("multi_processor_count", "gpu_subslice_count")),
        _reading("clock rate", lambda: asked("clock_rate"), "MHz"),
        _reading("temperature", lambda: asked("temperature"), "°C"),
        _reading("power", lambda: asked("power_draw") / watts, "W"),
        _reading("other processes", lambda: _others(device)),
    )


def _known(value: Any, device: torch.device) -> Any:
    if value is None:
        raise LookupError(f"torch does not report it for {device.type.upper()} devices")
    return value


def _others(device: torch.device) -> int:
    listed = _known(told(device, "list_gpu_processes"), device)
    return others(listed, torch.cuda.memory_reserved(device))


def _reading(name: str, read: Callable[[], str | int | float], unit: str = "") -> Reading:
    try:
        return Reading(name=name, value=read(), unit=unit)
    except Exception as error:  # the driver's library is missing, too old, or says no
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return Reading(name=name, value=None, unit=unit, unknown=lines[0])


_PROCESS = re.compile(r"process\s+(\d+) uses\s+([\d.]+) MB")


def others(listed: str, held: int) -> int:
    """Return how many processes but this one a listing of torch names; raises `LookupError`.

    A container gives processes other numbers than the driver knows them by: this one is then among
    those that hold at least the bytes that torch has `held` here. Where none does, the driver does
    not show the container who else is there.
    """
    if not listed.startswith("GPU:"):  # a sentence that says why there is none
        raise LookupError(listed.strip())
    found = [(int(pid), float(size) * 2**20) for pid, size in _PROCESS.findall(listed)]
    known = any(pid == os.getpid() for pid, _ in found)
    if not known and not any(size >= held for _, size in found):
        raise LookupError("the driver does not list this process, nor then those of others")
    return len(found) - 1


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    found = next((line for line in lines if line.startswith("model name")), None)
    if found is None:
        raise LookupError("the system does not name it")
    return found.partition(":")[2].strip()
