"""Keeps a pass from finding its inputs in the cache that the previous run has filled."""

from __future__ import annotations

from collections.abc import Callable

import torch

from archscope.errors import is_out_of_memory

LEAST_BYTES = 256 * 2**20
"""More than the level-2 cache of any card known here; what Triton's `do_bench` writes too."""


def emptied(device: torch.device) -> Callable[[], object] | None:
    """Return what drives an accelerator's last cache out between two runs; None on a CPU.

    It writes a buffer that is larger than the cache; None too where there is no room for it beside
    the network. A CPU is timed as `torch.utils.benchmark` times it, with its caches as the run
    before left them.
    """
    if device.type == "cpu":
        return None
    cache = 0
    if device.type == "cuda":
        cache = getattr(torch.cuda.get_device_properties(device), "L2_cache_size", 0)
    try:
        buffer = torch.empty(max(LEAST_BYTES, 2 * cache), dtype=torch.int8, device=device)
    except RuntimeError as error:
        if is_out_of_memory(error):
            return None
        raise
    return buffer.zero_
