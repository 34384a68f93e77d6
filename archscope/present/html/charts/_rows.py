"""Bars below each other, of what rows of one type of module hold or do together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archscope.present.html.charts._style import label, look, pattern

_MOST = 7
"""Types that get a bar of their own; the others are put together."""
_OTHERS = "other types"
_BAR, _FRAME = 30, 130
"""Pixels of height that a bar takes, and all around the bars."""


def by_type(rows: Sequence[Any], fields: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the sums of some fields by type of module, the largest first, few of them.

    >>> from types import SimpleNamespace as Row
    >>> by_type([Row(type="a", macs=1), Row(type="b", macs=4), Row(type="a", macs=1)], ["macs"])
    {'b': {'macs': 4}, 'a': {'macs': 2}}
    """
    sums: dict[str, dict[str, float]] = {}
    for row in rows:
        _add(sums.setdefault(row.type, {}), {each: getattr(row, each) or 0 for each in fields})
    ranked = sorted(sums.items(), key=lambda pair: -sum(pair[1].values()))
    known = [(name, parts) for name, parts in ranked if sum(parts.values())]
    if len(known) <= _MOST + 1:
        return dict(known)
    rest: dict[str, float] = {}
    for _, parts in known[_MOST:]:
        _add(rest, parts)
    return {**dict(known[:_MOST]), _OTHERS: rest}


def _add(to: dict[str, float], parts: Mapping[str, float]) -> None:
    for name, value in parts.items():
        to[name] = to.get(name, 0) + value


def stacked(
    bars: Mapping[str, Mapping[str, float]],
    words: Mapping[str, str],
    written: Callable[[Any], str],
    unit: float = 1,
) -> list[dict[str, Any]]:
    """Return a trace for each part of the bars that is anywhere; `words` names the parts."""
    return [
        {
            "type": "bar",
            "orientation": "h",
            "name": word,
            "x": [parts.get(field, 0) / unit for parts in bars.values()],
            "y": [label(name, 24) for name in bars],
            "customdata": [
                f"{label(name)}, {word}: {written(parts.get(field, 0))}"
                for name, parts in bars.items()
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
            "marker": {"color": look(number).color, "pattern": pattern(look(number))},
        }
        for number, (field, word) in enumerate(words.items())
        if any(parts.get(field) for parts in bars.values())
    ]


def height(bars: Mapping[str, object]) -> int:
    """Return the pixels that so many bars take."""
    return _FRAME + _BAR * len(bars)
