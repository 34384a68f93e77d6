"""Which device is meant, whether it is there, and what it is called."""

from __future__ import annotations

import re

import torch

from archscope.errors import ArchscopeError, UsageError

AUTO = "auto"
"""The first CUDA device, or the CPU where there is none."""
_CUDA = re.compile(r"cuda(?::(\d{1,4}))?")


def resolve(text: str) -> torch.device:
    """Return the device that `auto`, `cuda`, `cuda:1` or `cpu` means on this machine.

    Raises `UsageError` for another word and `ArchscopeError` where there is no such device.
    """
    word = text.strip().lower()
    if word == "cpu" or (word == AUTO and not torch.cuda.is_available()):
        return torch.device("cpu")
    if word == AUTO:
        return torch.device("cuda", torch.cuda.current_device())
    found = _CUDA.fullmatch(word)
    if found is None:
        raise UsageError(_not_a_device(text))
    if not torch.cuda.is_available():
        raise ArchscopeError(f"{no_cuda()}. Use --device cpu, or see `archscope env`.")
    count = torch.cuda.device_count()
    index = torch.cuda.current_device() if found[1] is None else int(found[1])
    if index >= count:
        there = ", ".join(f"cuda:{number}" for number in range(count))
        raise ArchscopeError(f"no device cuda:{index}; there is {there}. See `archscope env`.")
    return torch.device("cuda", index)


def no_cuda() -> str:
    """Return why there is no CUDA device, in one clause."""
    if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        return f"no CUDA device: torch {torch.__version__} is a CPU build"
    return f"no CUDA device: torch {torch.__version__} finds no card or no driver for it"


def name_of(device: torch.device) -> str:
    """Return what a reader calls the device: its card's name, or the CPU and torch's threads."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads != 1 else ''}"


def multiprocessors(device: torch.device) -> int:
    """Return how many multiprocessors of a CUDA device are switched on."""
    return int(torch.cuda.get_device_properties(device).multi_processor_count)


def total_bytes(device: torch.device) -> int:
    """Return the memory of a CUDA device."""
    return int(torch.cuda.get_device_properties(device).total_memory)


def _not_a_device(text: str) -> str:
    if text.strip().lower().partition(":")[0] in ("mps", "xpu", "xla", "hpu", "meta"):
        return f"--device {text} is not timed: its clock is not known here. Use cuda or cpu."
    return f"{text!r} is not a device. Write auto, cuda, cuda:1 or cpu."
