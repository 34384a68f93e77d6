"""How exactly torch multiplies numbers of 32 bits, read as a whole and set again.

torch has two generations of these switches and refuses to read one where the other was used: each
is read where it can be.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

_PARTS = (
    ("generic", "all"),
    *(
        (backend, part)
        for backend in ("cuda", "mkldnn")
        for part in ("all", "matmul", "conv", "rnn")
    ),
)
"""What has a precision of its own, the whole before its parts, which follow it."""
_SWITCHES: tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...] = (
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch._C._get_cudnn_allow_tf32, torch._C._set_cudnn_allow_tf32),
    *(
        (
            partial(torch._C._get_fp32_precision_getter, *part),
            partial(torch._C._set_fp32_precision_setter, *part),
        )
        for part in _PARTS
        if hasattr(torch._C, "_get_fp32_precision_getter")
    ),
)
"""What reads and what sets each; the elder ones stand first, since they set the later ones too."""


def switches() -> list[Any]:
    """Return what each switch is, None where torch refuses to tell."""
    return [_read(read) for read, _ in _SWITCHES]


def set_switches(found: list[Any]) -> None:
    """Set each switch to what it was found to be."""
    for (read, write), value in zip(_SWITCHES, found, strict=True):
        if value is not None and _read(read) != value:
            write(value)


def _read(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except RuntimeError:
        return None
