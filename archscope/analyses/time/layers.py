"""Turns the times of modules into rows: time, bytes, work, intensity and roof of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archscope.analyses.time.rows import LayerRow

if TYPE_CHECKING:
    from archscope.analyses.time.measure import Measured
    from archscope.analyses.time.work import Counts


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
    if found.layers is None or found.traffic is None or found.types is None:
        return ()
    times, moved = found.layers.own_s, found.traffic
    paths = tuple(path for path in found.types if path in times)
    macs: Mapping[str, int | None] = dict.fromkeys(paths)
    if counts is not None:
        macs = counts.among(paths)
    own = {path: _Sum(times[path], moved.get(path), macs[path]) for path in paths}
    whole = _with_what_they_hold(own)
    return tuple(_row(found, path, own[path], whole[path], whole_s) for path in paths)


def _with_what_they_hold(own: Mapping[str, _Sum]) -> dict[str, _Sum]:
    sums = dict(own)
    for path in reversed(tuple(own)):  # submodules come after what they are part of
        above = path
        while above:
            above = above.rpartition(".")[0]
            if above in sums:
                sums[above] += sums[path]
                break
    return sums


def _row(found: Measured, path: str, own: _Sum, whole: _Sum, whole_s: float) -> LayerRow:
    assert found.layers is not None
    assert found.types is not None
    intensity = None
    if own.macs is not None and own.bytes_moved:
        intensity = 2 * own.macs / own.bytes_moved
    return LayerRow(
        path=path,
        type=found.types[path],
        calls=found.layers.calls[path],
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
