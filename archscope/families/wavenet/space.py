"""What is chosen of a WaveNet where nobody says it: dilations, stacks, taps, widths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archscope.specs.space import Possible, Space, Trends

DILATIONS = tuple(tuple(2**number for number in range(length)) for length in range(1, 13))
STACKS = (1, 2, 3, 4, 5)
KERNELS = (2, 3)
CHANNELS = (16, 32, 64, 128)


def axes(given: Possible) -> Possible:
    """Return what is to be chosen beside what is said; the gate is as wide as what goes around."""
    found: dict[str, tuple[Any, ...]] = {
        "dilations": DILATIONS,
        "stacks": STACKS,
        "kernel_size": KERNELS,
        "residual_channels": CHANNELS,
        "dilation_channels": CHANNELS,
        "skip_channels": (*CHANNELS, 256, 512),
    }
    return {name: values for name, values in found.items() if name not in given}


def trends(possible: Possible) -> Trends:
    """Return what rises and falls together: every number only adds."""
    return dict(_trends())


def _trends() -> Iterator[tuple[tuple[str, str], int]]:
    counts, work = ("params", "trainable", "active", "weights"), ("macs", "flops")
    seen = ("rf", "smallest_rf", "local_rf", "back")
    widths = ("residual_channels", "dilation_channels", "skip_channels", "classes")
    for name in ("stacks", "kernel_size", *widths):
        yield from (((name, measure), 1) for measure in (*counts, *work))
    for name in ("stacks", "kernel_size"):
        yield from (((name, measure), 1) for measure in seen)
        yield from (((name, measure), 0) for measure in ("ahead", "jump"))
    for name in (*widths, "batch_size"):
        yield (name, "rf.*"), 0


SPACE = Space(axes=axes, trends=trends, width="residual_channels", widths=tuple(range(1, 513)))
"""The choices, and what is known of them."""
