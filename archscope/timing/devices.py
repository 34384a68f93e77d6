"""Which device is meant, whether it is there, and what it is called.

torch knows one kind of accelerator in a process (CUDA, which ROCm is called too, XPU, MPS, or one
that a package brings): what `torch.accelerator` and the kind's own module tell is told here.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from archscope.errors import ArchscopeError, UsageError

AUTO = "auto"
"""The accelerator, or the CPU where there is none."""
_DEVICE = re.compile(r"([a-z_]+)(?::(\d{1,4}))?")


def resolve(text: str) -> torch.device:
    """Return the device that `auto`, `cuda`, `cuda:1`, `mps` or `cpu` means on this machine.

    Raises `UsageError` for another word and `ArchscopeError` where there is no such device.
    """
    word = text.strip().lower()
    here = accelerator()
    if word == "cpu" or (word == AUTO and here is None):
        return torch.device("cpu")
    found = _DEVICE.fullmatch(here if word == AUTO and here is not None else word)
    if found is None or not _is_kind(found[1]):
        raise UsageError(f"{text!r} is not a device. Write auto, cuda, cuda:1, xpu, mps or cpu.")
    kind = found[1]
    if kind == "meta":
        raise UsageError("--device meta is not timed: it computes nothing. Use auto or cpu.")
    if kind != here:
        raise ArchscopeError(f"{none_there(kind)}. Use --device cpu, or see `archscope env`.")
    count = torch.accelerator.device_count()
    index = _current() if found[2] is None else int(found[2])
    if index >= count:
        there = ", ".join(f"{kind}:{number}" for number in range(count))
        raise ArchscopeError(f"no device {kind}:{index}; there is {there}. See `archscope env`.")
    return torch.device(kind, index)


def accelerator() -> str | None:
    """Return the kind of this machine's accelerator, None where there is none."""
    if not torch.accelerator.is_available():
        return None
    found = torch.accelerator.current_accelerator()
    return None if found is None else found.type


def _current() -> int:
    # Older torch has it by another name.
    current: Any = getattr(torch.accelerator, "current_device_index", None)
    return int((current or torch.accelerator.current_device_idx)())


def _is_kind(word: str) -> bool:
    try:
        torch.device(word)
    except RuntimeError:
        return False
    return True


def none_there(kind: str = "cuda") -> str:
    """Return why there is no accelerator of a kind, in one clause."""
    called = kind.upper()
    if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        build = "a CPU build" if "+cpu" in torch.__version__ else f"built without {called}"
        return f"no {called} device: torch {torch.__version__} is {build}"
    return f"no {called} device: torch {torch.__version__} finds no card or no driver for it"


def name_of(device: torch.device) -> str:
    """Return what a reader calls the device: its card's name, or the CPU and torch's threads."""
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'s' if threads != 1 else ''}"
    name = told(device, "get_device_name")
    return f"{device.type.upper()} device" if name is None else str(name)


def told(device: torch.device, function: str) -> Any:
    """Return what the module of a device's kind answers of it; None where it has no such word."""
    asked = getattr(torch.get_device_module(device), function, None)
    return None if asked is None else asked(device)


def multiprocessors(device: torch.device) -> int | None:
    """Return how many multiprocessors of a CUDA device are switched on; None of others."""
    if device.type != "cuda":
        return None
    return int(torch.cuda.get_device_properties(device).multi_processor_count)


def total_bytes(device: torch.device) -> int | None:
    """Return the memory of an accelerator; of MPS what Metal recommends to use of the machine's."""
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    size = getattr(told(device, "get_device_properties"), "total_memory", None)
    return None if size is None else int(size)


def free_bytes(device: torch.device) -> int | None:
    """Return the memory of an accelerator that nobody holds now; None where it does not say."""
    try:
        found = told(device, "mem_get_info")
    except RuntimeError:  # some of Intel's cannot
        return None
    return None if found is None else int(found[0])


def machine_bytes() -> int | None:
    """Return the memory of this machine, or of the container that it runs in; None: not told."""
    try:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    with suppress(OSError, ValueError):
        return min(pages, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return pages
