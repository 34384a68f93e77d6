"""timm: the smallest network of each family."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import timm

from benchmarks.strangers.stranger import Call, Stranger, noise

SMALL = ("test", "atto", "femto", "pico", "zepto", "nano", "xxs", "xx_small", "xs", "tiny", "_t",
         "mini", "extra_small", "x_small", "small", "_s", "_b0", "_s0", "_m0", "_050", "18", "_0_5",
         "lite", "base")  # fmt: skip
"""What the names of small networks hold, the smallest first."""


def networks() -> Iterator[Stranger]:
    """Yield one network of each of timm's files."""
    for module in timm.list_modules():
        names = timm.list_models(module=module)
        if names:
            smallest = min(names, key=size)
            yield Stranger(smallest, partial(make, smallest))


def size(name: str) -> tuple[int, int, int]:
    """Return what a network's name lets expect of its size."""
    rank = next((i for i, word in enumerate(SMALL) if word in name), len(SMALL))
    return rank, timm.get_pretrained_cfg(name, allow_unregistered=True).input_size[-1], len(name)


def make(name: str) -> Call:
    """Return the network and one picture as large as it wants."""
    model = timm.create_model(name)
    return model, (noise(1, *model.default_cfg["input_size"]),), {}
