"""What a step of a TCN keeps for those after it: what its convolutions will read. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.families.tcn.census import census
from archscope.families.tcn.spec import TcnSpec
from archscope.theory.cache import Cache, LayerCache, convolved


def cache(spec: TcnSpec) -> Cache:
    """Return the earlier inputs of all causal convolutions, fed position by position."""
    return Cache(
        layers=tuple(_layers(spec)),
        context=spec.input_size,
        batch=spec.batch_size,
        step=lambda batch: census(replace(spec, input_size=1, batch_size=batch)).layers,
        of_length=lambda length: replace(spec, input_size=length),
        unit="positions",
    )


def _layers(spec: TcnSpec) -> Iterator[LayerCache]:
    channels, taps = spec.in_channels, spec.kernel_size
    for level in range(spec.levels):
        for name in ("conv1", "conv2"):
            path = f"network.{level}.{name}"
            yield convolved(path, channels=channels, taps=taps, dilation=2**level)
            channels = spec.hidden_channels
