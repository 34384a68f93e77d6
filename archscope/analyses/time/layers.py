"""Turns the times of modules into rows: time, bytes, work, intensity and roof of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

    def __add__(self, other: _Sum) -> _Sum:
        # Bytes of modules that call others are not seen: what is known adds up to a lower bound.
        known = [each for each in (self.bytes_moved, other.bytes_moved) if each is not None]
        unknown = self.macs is None or other.macs is None
        return _Sum(
            time_s=self.time_s + other.time_s,
            bytes_moved=sum(known) if known else None,
            macs=None if unknown else (self.macs or 0) + (other.macs or 0),
        )


def layer_rows(found: Measured, counts: Counts | None, whole_s: float) -> tuple[LayerRow, ...]:
    """Return a row per module that ran, those that a module is part of first.

    `whole_s` is the median of the forward pass as it was timed without marks inside.
    """
    times = found.layers
    if times is None:
        return ()
    macs = dict.fromkeys(times.types) if counts is None else counts.among(times.types)
    own = {
        path: _Sum(times.own_s[path], found.traffic.get(path), macs[path]) for path in times.types
    }
    whole = _with_what_they_hold(own)
    return tuple(_row(found, times, path, own[path], whole[path], whole_s) for path in own)


def _with_what_they_hold(own: Mapping[str, _Sum]) -> dict[str, _Sum]:
    sums = dict(own)
    for path in reversed(tuple(own)):  # submodules come after what they are part of
        above = next((outer for outer in outwards(path) if outer in sums), None)
        if above is not None:
            sums[above] += sums[path]
    return sums


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
