"""How much memory a pass needs at its fullest, by torch's own allocator."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from archscope.timing.sampling import Stage


def peaks(stages: Sequence[Stage], device: torch.device) -> tuple[int, ...] | None:
    """Run each stage once and return the most bytes that were allocated during each.

    Weights and whatever else torch holds on the device are among them. None on a CPU, where torch
    counts no allocations.
    """
    if device.type != "cuda":
        return None
    found = []
    for stage in stages:
        torch.cuda.reset_peak_memory_stats(device)
        stage.run()
        torch.cuda.synchronize(device)
        found.append(int(torch.cuda.max_memory_allocated(device)))
    return tuple(found)
