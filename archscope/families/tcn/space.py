"""What is chosen of a TCN where nobody says it: levels, taps, width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archscope.specs.space import Possible, Space, Trends

LEVELS = tuple(range(1, 17))
KERNELS = tuple(range(2, 10))
CHANNELS = (*range(8, 129, 8), *range(160, 257, 32))


def axes(given: Possible) -> Possible:
    """Return what is to be chosen beside what is said."""
    found: dict[str, tuple[Any, ...]] = {
        "levels": LEVELS,
        "kernel_size": KERNELS,
        "hidden_channels": CHANNELS,
    }
    return {name: values for name, values in found.items() if name not in given}


def trends(possible: Possible) -> Trends:
    """Return what rises and falls together: all but what goes around a level, mostly."""
    return dict(_trends(possible))


def _trends(possible: Possible) -> Iterator[tuple[tuple[str, str], int]]:
    counts, work = ("params", "trainable", "active", "weights"), ("macs", "flops")
    seen = ("rf", "smallest_rf", "local_rf", "back")
    grown = ["levels", "kernel_size"]
    # Around a first level that keeps the channels of its input goes no convolution.
    if not {*possible["in_channels"]} & {*possible["hidden_channels"]}:
        grown.append("hidden_channels")
    for name in grown:
        yield from (((name, measure), 1) for measure in (*counts, *work))
    for name in ("levels", "kernel_size"):
        yield from (((name, measure), 1) for measure in seen)
        yield from (((name, measure), 0) for measure in ("ahead", "jump"))
    for name in ("hidden_channels", "in_channels", "classes", "batch_size"):
        yield (name, "rf.*"), 0


SPACE = Space(axes=axes, trends=trends, width="hidden_channels", widths=tuple(range(1, 513)))
"""The choices, and what is known of them."""
