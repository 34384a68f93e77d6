"""Bars that each make a whole: one for each measure of each report, cut into parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html import words
from archscope.present.html.charts import Drawing, section
from archscope.present.html.charts._style import Look, axis, figure, label, pattern
from archscope.records import frozen
from archscope.results import Report
from archscope.studies.names import short_names

_WRITTEN = 0.06
"""Share from which a part of a bar may have room for its percentage; a screen decides."""
_BAR = 46
"""Pixels of height that a bar takes."""


_Bar = tuple[str, Mapping[str, float], Callable[[Any], str]]
"""What a bar is of, its parts' amounts, and how one of these is written."""


@frozen
class Shares:
    """What is drawn, of which rows."""

    name: str
    title: str
    address: str
    """The section whose rows are the parts."""
    part: str
    """The field that names a row."""
    measures: tuple[tuple[str, tuple[str, ...]], ...]
    """What each bar is of, and the fields that it sums."""
    more: Callable[[Report], Mapping[str, float]] | None = None
    """What else is known of the parts, as seconds; empty where nothing is."""


def rows_of(report: Report, shares: Shares) -> dict[str, Any]:
    """Return the parts of one report by their names."""
    found = section(report, shares.address)
    return {} if found is None else {getattr(row, shares.part): row for row in found.rows}


def names_of(reports: Sequence[Report], shares: Shares) -> tuple[str, ...]:
    """Return the names of all parts that hold or do something, each once."""
    fields = [field for _, each in shares.measures for field in each]
    return tuple(
        dict.fromkeys(
            name
            for report in reports
            for name, row in rows_of(report, shares).items()
            if any(getattr(row, field) for field in fields)
        )
    )


def draw(
    reports: Sequence[Report],
    shares: Shares,
    looks: Callable[[tuple[str, ...]], Mapping[str, Look]],
) -> Iterator[Drawing]:
    """Draw a bar for each measure of each report; nothing where they have a single part."""
    named = [
        (name, rows)
        for name, report in zip(short_names(reports), reports, strict=True)
        if (rows := rows_of(report, shares))
    ]
    bars = [*_bars(named, shares), *_seconds(reports, shares)]
    parts = names_of(reports, shares)
    if not bars or len(parts) < 2:
        return
    chosen = looks(parts)
    yield Drawing(
        name=shares.name,
        title=shares.title,
        caption=_caption(bars),
        figure=figure(
            [_trace(name, bars, chosen[name]) for name in parts],
            height=120 + _BAR * len(bars),
            barmode="stack",
            bargap=0.25,
            xaxis=axis("% of the total", range=[0, 101], dtick=20, fixedrange=True),
            yaxis=axis(autorange="reversed", fixedrange=True),
            uniformtext={"mode": "hide", "minsize": 11},
        ),
        wide=True,
    )


def _bars(named: Sequence[tuple[str, Mapping[str, Any]]], shares: Shares) -> Iterator[_Bar]:
    for measure, fields in shares.measures:
        for name, rows in named:
            amounts = _amounts(rows, fields)
            if sum(amounts.values()):
                yield f"{measure} {name}".rstrip(), amounts, _format.si


def _seconds(reports: Sequence[Report], shares: Shares) -> Iterator[_Bar]:
    for name, report in zip(short_names(reports), reports, strict=True):
        amounts = {} if shares.more is None else shares.more(report)
        if sum(amounts.values()):
            yield f"Time {name}".rstrip(), amounts, _format.seconds


def _amounts(rows: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, int]:
    return {name: sum(getattr(row, field) or 0 for field in fields) for name, row in rows.items()}


def _trace(name: str, bars: Sequence[_Bar], look: Look) -> dict[str, Any]:
    shares, texts, hovers = [], [], []
    for bar, parts, written in bars:
        whole, part = sum(parts.values()), parts.get(name, 0)
        share = part / whole
        percent = f"{_format.percent(part, whole)}%"
        shares.append(100 * share)
        texts.append(percent if share >= _WRITTEN else "")
        hovers.append(f"{_label(name)}: {percent} of {label(bar)}, {written(part)}")
    return {
        "type": "bar",
        "orientation": "h",
        "name": _label(name),
        "x": shares,
        "y": [label(bar) for bar, _, _ in bars],
        "text": texts,
        "textposition": "inside",
        "insidetextanchor": "middle",
        "insidetextfont": {"color": look.ink},
        "textangle": 0,
        "constraintext": "inside",
        "cliponaxis": True,
        "customdata": hovers,
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {
            "color": look.color,
            "pattern": pattern(look),
            "line": {"width": 1, "color": "rgba(255,255,255,0.6)"},
        },
    }


def _label(name: str) -> str:
    return label(words.short(name))


def _caption(bars: Sequence[_Bar]) -> str:
    said = []
    for bar, parts, _ in bars[:4]:
        name = max(parts, key=lambda part: parts[part])
        whole = sum(parts.values())
        word = _format.most(parts[name], whole).removesuffix(" of")
        percent = _format.percent(parts[name], whole)
        said.append(f"{bar}: {word} in {_format.safe_label(words.the_part(name))} ({percent}%)")
    return "Each bar is 100%. " + "; ".join(said) + "."
