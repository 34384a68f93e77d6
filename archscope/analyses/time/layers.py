"""Turns the times of modules into rows: time, bytes, work, intensity and roof of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from archscope.analyses.time.roof import roof_of
from archscope.analyses.time.rows import LayerRow
from archscope.running.module_stack import outwards

if TYPE_CHECKING:
    from archscope.analyses.time.measure import Measured
    from archscope.analyses.time.work import Counts
    from archscope.timing.layers import LayerTimes


@dataclass(frozen=True, slots=True)
class _Sum:
    """What modules do, as values that add up."""

    time_s: float
    bytes_moved: int | None
    macs: int | None
    bound_s: float | None

    def __add__(self, other: _Sum) -> _Sum:
        return _Sum(
            time_s=self.time_s + other.time_s,
            bytes_moved=_sum(self.bytes_moved, other.bytes_moved),
            macs=_sum(self.macs, other.macs),
            bound_s=_sum(self.bound_s, other.bound_s),
        )


N = TypeVar("N", int, float)


def _sum(one: N | None, other: N | None) -> N | None:
    return None if one is None or other is None else one + other


def layer_rows(found: Measured, counts: Counts | None, whole_s: float) -> tuple[LayerRow, ...]:
    """Return a row per module that ran, those that a module is part of first.

    `whole_s` is the median of the forward pass as it was timed without marks inside.
    """
    times = found.layers
    if times is None:
        return ()
    macs = dict.fromkeys(times.types) if counts is None else counts.among(times.types)
    own = {path: _own(found, times.own_s[path], macs[path], path) for path in times.types}
    whole = with_what_they_hold(own)
    return tuple(_row(found, times, path, own[path], whole[path], whole_s) for path in own)


T = TypeVar("T", bound="Adds")


class Adds(Protocol):
    """What modules do, as values that add up."""

    def __add__(self: T, other: T) -> T:
        """Return both together."""


def with_what_they_hold(own: Mapping[str, T]) -> dict[str, T]:
    """Return what each module does with its submodules; those come after what they are part of."""
    sums = dict(own)
    for path in reversed(tuple(own)):
        above = next((outer for outer in outwards(path) if outer in sums), None)
        if above is not None:
            sums[above] += sums[path]
    return sums


def _own(found: Measured, time_s: float, macs: int | None, path: str) -> _Sum:
    size = None if found.traffic is None else found.traffic.get(path, 0)
    roof = None if found.card is None else roof_of(found.card, found.precision)
    bound = None if roof is None or size is None else roof.bound(macs, size).seconds
    return _Sum(time_s=time_s, bytes_moved=size, macs=macs, bound_s=bound)


def _row(
    found: Measured, times: LayerTimes, path: str, own: _Sum, whole: _Sum, whole_s: float
) -> LayerRow:
    intensity = None
    if own.macs is not None and own.bytes_moved:
        intensity = 2 * own.macs / own.bytes_moved
    return LayerRow(
        path=path,
        type=times.types[path],
        calls=times.calls[path],
        time_s=whole.time_s,
        bytes_moved=whole.bytes_moved,
        macs=whole.macs,
        intensity=intensity,
        roof=_roof(found, intensity),
        bound_s=whole.bound_s,
        over_bound=whole.time_s / whole.bound_s if whole.bound_s else None,
        whole_share=whole.time_s / whole_s,
        own_time_s=own.time_s,
        own_bytes_moved=own.bytes_moved,
        own_macs=own.macs,
    )


def _roof(found: Measured, intensity: float | None) -> str | None:
    ridge = None if found.card is None else found.card.ridge(found.precision)
    if ridge is None or intensity is None:
        return None
    return "memory" if intensity < ridge else "compute"
