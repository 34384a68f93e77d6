"""Axes of a chart that is drawn without a script: where values stand, and which are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import Any

from archscope.records import frozen

_MOST_TICKS = 7
_STEPS = (1, 2, 5, 10)
_MOST_POWER = 11
"""Power of ten up to which a number is written out."""
LETTER, LINE = 6.6, 18
"""Pixels of a letter, about, and of a line."""


@frozen
class Scale:
    """One axis, from values to pixels."""

    first: float
    """Where the lowest value stands, in pixels."""
    last: float
    low: float
    high: float
    log: bool
    names: tuple[str, ...]
    """The categories; none where it has numbers."""
    ticks: tuple[tuple[float, str], ...]
    """Values with what is written at them."""

    def at(self, value: Any) -> float:
        """Return where a value stands."""
        number = float(self.names.index(str(value))) if isinstance(value, str) else float(value)
        number = log10(number) if self.log else number
        return self.first + (number - self.low) / (self.high - self.low) * (self.last - self.first)


def scale(axis: Mapping[str, Any], values: Sequence[Any], first: float, last: float) -> Scale:
    """Return the scale of an axis in plotly's terms that shows these values."""
    names = tuple(dict.fromkeys(value for value in values if isinstance(value, str)))
    if axis.get("autorange") == "reversed":
        first, last = last, first
    if names:
        ends, log = (-0.5, len(names) - 0.5), False
        ticks = tuple((float(number), name) for number, name in enumerate(names))
    else:
        log = axis.get("type") == "log"
        ends = _ends(axis, [float(value) for value in values if value is not None], log)
        ticks = _apart(_ticks(axis, ends, log), abs(last - first), upright=axis.get("upright"))
    return Scale(
        first=first, last=last, low=ends[0], high=ends[1], log=log, names=names, ticks=ticks
    )


def _ends(axis: Mapping[str, Any], numbers: list[float], log: bool) -> tuple[float, float]:
    if axis.get("range"):
        low, high = axis["range"]
        return float(low), float(high)
    if log:
        known = [log10(number) for number in numbers if number > 0] or [0.0]
        return min(known) - 0.1, max(known) + 0.1
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    if axis.get("rangemode") == "tozero":
        return min(low, 0.0), max(high, 0.0) * 1.05 or 1.0
    space = 0.03 * (high - low) or 0.5
    return low - space, high + space


def _ticks(
    axis: Mapping[str, Any], ends: tuple[float, float], log: bool
) -> list[tuple[float, str]]:
    low, high = ends
    if axis.get("tickvals") is not None:
        texts = axis.get("ticktext") or axis["tickvals"]
        return [(float(v), str(t)) for v, t in zip(axis["tickvals"], texts, strict=True)]
    if log:
        return [(10.0**n, _power(n)) for n in range(ceil(low), floor(high) + 1)]
    rough = (high - low) / 5
    power = 10.0 ** floor(log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough)
    end = "%" if axis.get("ticksuffix") else ""
    return [
        (step * number, f"{_short(step * number)}{end}")
        for number in range(ceil(low / step), floor(high / step) + 1)
    ]


def _short(value: float) -> str:
    """Return a round number with few signs, e.g. `25M`."""
    for power, letter in ((9, "G"), (6, "M"), (3, "k")):
        if abs(value) >= 10.0**power:
            return f"{value / 10.0**power:.6g}{letter}"
    return f"{value:.6g}"


def _power(power: int) -> str:
    return f"10^{power}" if abs(power) > _MOST_POWER else _short(10.0**power)


def _apart(
    ticks: list[tuple[float, str]], length: float, *, upright: Any
) -> tuple[tuple[float, str], ...]:
    """Return as many ticks as have room side by side, or below each other."""
    room = LINE if upright else LETTER * (2 + max((len(text) for _, text in ticks), default=1))
    every = ceil(len(ticks) / max(min(_MOST_TICKS, length // room), 1)) or 1
    return tuple(ticks[::every])
