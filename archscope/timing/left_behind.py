"""Whether a pass returns before its work is done, which no time would include.

So does work that a module puts on a stream of its own and does not wait for, or on another device
than the one that is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from archscope.timing.clocks import Clock
from archscope.timing.devices import accelerator

RUNS = 3
"""Of which the least counts: a host that other programs hold up is no device that goes on."""
LEAST_SHARE = 0.05
"""From this share of the time that is seen on, and ..."""
LEAST_SECONDS = 100e-6
"""... from this time on, it is told: below it is what waiting itself takes."""


def left_behind(
    runs: Sequence[Callable[[], Any]], clock: Clock, device: torch.device
) -> float | None:
    """Run a pass a few times; return for how long a device goes on after it, None for not at all.

    None too where a device cannot tell.
    """
    if device.type == "cpu" and accelerator() is None:
        return None
    least = float("inf")
    for _ in range(RUNS):
        start = clock.mark()
        outputs = [run() for run in runs]
        end = clock.mark()
        try:
            rest = clock.rest(end, {device, *_devices(outputs, device)})
        except (RuntimeError, NotImplementedError):
            return None
        clock.wait()
        if rest < max(LEAST_SECONDS, LEAST_SHARE * clock.seconds(start, end)):
            return None
        least = min(least, rest)
    return least


def _devices(outputs: object, device: torch.device) -> set[torch.device]:
    """Return where else outputs lie, of the same kind."""
    tensors = (leaf for leaf in tree_leaves(outputs) if isinstance(leaf, Tensor))
    return {tensor.device for tensor in tensors if tensor.device.type == device.type}
