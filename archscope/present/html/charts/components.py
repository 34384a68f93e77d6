"""Where parameters and FLOPs are, by part of the network: bars that each make a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, section
from archscope.present.html.charts._style import Look, axis, figure, label, looks, pattern
from archscope.present.html.names import short_names
from archscope.results import Report

_WRITTEN = 0.06
"""Share from which a part of a bar has room for its percentage."""
_BAR = 46
"""Pixels of height that a bar takes."""
_MEASURES = (("Params", ("trainable", "frozen")), ("FLOPs", ("flops",)))


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw one bar for the parameters and one for the FLOPs of each report."""
    named = [
        (name, rows)
        for name, report in zip(short_names(reports), reports, strict=True)
        if (rows := _rows(report))
    ]
    bars = [
        (f"{measure} {name}".rstrip(), parts)
        for measure, fields in _MEASURES
        for name, rows in named
        if sum((parts := _parts(rows, fields)).values())
    ]
    components = tuple(dict.fromkeys(name for _, parts in bars for name in parts))
    if len(components) < 2:
        return
    chosen = component_looks(reports)
    traces = [_trace(name, bars, chosen[name]) for name in components]
    yield Drawing(
        name="components",
        title="Where parameters and FLOPs are",
        caption=_caption(bars),
        figure=figure(
            traces,
            height=120 + _BAR * len(bars),
            barmode="stack",
            bargap=0.25,
            xaxis=axis("% of the total", range=[0, 101], dtick=20, fixedrange=True),
            yaxis=axis(autorange="reversed", fixedrange=True),
            legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "traceorder": "normal"},
        ),
        wide=True,
    )


def component_looks(reports: Sequence[Report]) -> dict[str, Look]:
    """Return how each part of these networks looks, in all charts of a page."""
    return looks(tuple(dict.fromkeys(name for report in reports for name in _rows(report))))


def _rows(report: Report) -> dict[str, Any]:
    found = section(report, "params.components")
    return {} if found is None else {row.component: row for row in found.rows}


def _parts(rows: dict[str, Any], fields: tuple[str, ...]) -> dict[str, int]:
    return {name: sum(getattr(row, field) or 0 for field in fields) for name, row in rows.items()}


def _trace(name: str, bars: list[tuple[str, dict[str, int]]], look: Look) -> dict[str, Any]:
    shares, texts, hovers = [], [], []
    for bar, parts in bars:
        whole, part = sum(parts.values()), parts.get(name, 0)
        share = part / whole
        percent = f"{_format.percent(part, whole)}%"
        shares.append(100 * share)
        texts.append(percent if share >= _WRITTEN else "")
        hovers.append(f"{label(name)}: {percent} of {label(bar)}, {_format.si(part)}")
    return {
        "type": "bar",
        "orientation": "h",
        "name": label(name),
        "x": shares,
        "y": [label(bar) for bar, _ in bars],
        "text": texts,
        "textposition": "inside",
        "insidetextanchor": "middle",
        "insidetextfont": {"color": look.ink},
        "textangle": 0,
        "constraintext": "none",
        "cliponaxis": True,
        "customdata": hovers,
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {
            "color": look.color,
            "pattern": pattern(look),
            "line": {"width": 1, "color": "rgba(255,255,255,0.6)"},
        },
    }


def _caption(bars: list[tuple[str, dict[str, int]]]) -> str:
    said = []
    for bar, parts in bars[:4]:
        name = max(parts, key=lambda part: parts[part])
        percent = _format.percent(parts[name], sum(parts.values()))
        said.append(f"{bar}: most in {_format.safe_label(name)} ({percent}%)")
    return "Each bar is 100%. " + "; ".join(said) + "."


CHART = Chart(
    name="components",
    summary="parameters and FLOPs by part of the network",
    chapter="cost",
    order=10,
    draw=draw,
)
