"""Number types: what weights and inputs are cast to, and the switches of short products.

`fp32` and `tf32` are both 32-bit numbers; with `tf32` matrix products and convolutions may be
computed on tensor cores from 19 bits of them, with `fp32` they may not. Weights and inputs are cast
whole, as for inference in that type; autocast is another way, see `passes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from archscope.errors import UsageError
from archscope.hardware import Precision
from archscope.running import float32

DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "tf32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
}
"""The type that floating-point weights and inputs are cast to."""
_FIRST_WITH_TF32 = (8, 0)
_HIP_WITH_TF32 = "gfx942"
"""AMD's MI300 alone; what came before and after it has no short form of 32 bits."""


def check(precision: str, device: torch.device) -> Precision:
    """Return the number type if `device` can compute in it; raises `UsageError`."""
    found = named(precision)
    if found == "tf32" and not _has_tf32(device):
        raise UsageError(
            "tf32 is a number type of NVIDIA's tensor cores since the A100 and of AMD's MI300; "
            f"{'a CPU' if device.type == 'cpu' else 'this device'} has none. Use --dtype fp32."
        )
    return found


def named(precision: str) -> Precision:
    """Return the number type of that name; raises `UsageError`."""
    found = next((name for name in DTYPES if name == precision), None)
    if found is None:
        known = ", ".join(DTYPES)
        raise UsageError(f"{precision!r} is not a number type; there are {known}.")
    return found


def _has_tf32(device: torch.device) -> bool:
    if device.type != "cuda":
        return False
    if torch.version.hip is not None:
        name = getattr(torch.cuda.get_device_properties(device), "gcnArchName", "")
        return name.startswith(_HIP_WITH_TF32)
    return torch.cuda.get_device_capability(device) >= _FIRST_WITH_TF32


@contextmanager
def computing_in(precision: Precision, *, benchmark: bool | None = None) -> Iterator[None]:
    """Allow or forbid short products as `precision` says; every switch is put back after.

    `benchmark` says whether cuDNN tries its algorithms; None leaves that as it is.
    """
    found, tries = float32.switches(), torch.backends.cudnn.benchmark
    short = precision == "tf32"
    try:
        torch.set_float32_matmul_precision("high" if short else "highest")
        torch.backends.cudnn.allow_tf32 = short
        if benchmark is not None:
            torch.backends.cudnn.benchmark = benchmark
        yield
    finally:
        torch.backends.cudnn.benchmark = tries
        float32.set_switches(found)


def tries_algorithms() -> bool:
    """Return whether cuDNN tries its algorithms for each shape and takes the fastest."""
    return bool(torch.backends.cudnn.benchmark)


def is_deterministic() -> bool:
    """Return whether the user lets torch take deterministic algorithms alone."""
    return torch.are_deterministic_algorithms_enabled()
