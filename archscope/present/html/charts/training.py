"""What the usual ways to train a network take: through a step, and at the peak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, section
from archscope.present.html.charts._bytes import hover, named_peak, unit_of
from archscope.present.html.charts._style import axis, figure, label, look, pattern
from archscope.results import Report
from archscope.studies.names import short_names

_BAR, _FRAME = 34, 180
"""Pixels of height that a bar takes, and all around the bars."""


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw a step and its peak of each report in which it was run with all its blocks."""
    named = zip(short_names(reports), reports, strict=True)
    found = [(name, report) for name, report in named if section(report, "finetune.timeline")]
    for number, (name, report) in enumerate(found, start=1):
        end = "" if len(found) == 1 else f"-{number}"
        of = f" · {_format.safe_label(name)}" if len(found) > 1 else ""
        yield _timeline(list(report.section("finetune.timeline").rows), end, of)
        yield _peaks(list(report.section("finetune.parts").rows), end, of)


def _timeline(rows: list[Any], end: str, of: str) -> Drawing:
    unit, word = unit_of(max(row.alive for row in rows))
    ways = _by_way(rows)
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": label(way),
            "x": [100 * row.turn / len(own) for row in own],
            "y": [row.alive / unit for row in own],
            "customdata": [hover(row) for row in own],
            "hovertemplate": "%{customdata}<extra></extra>",
            "line": {"color": look(number).color, "dash": look(number).dash, "shape": "hv"},
        }
        for number, (way, own) in enumerate(ways.items())
    ]
    said = "; ".join(named_peak(way, own) for way, own in ways.items())
    return Drawing(
        name=f"training-step{end}",
        title=f"Memory through a step of training{of}",
        caption=f"Memory in use from the first module's forward to the update. {said}.",
        figure=figure(
            traces,
            xaxis=axis("progress through the step, %", range=[0, 100]),
            yaxis=axis(word, rangemode="tozero"),
            showlegend=len(ways) > 1,
        ),
        wide=True,
    )


def _peaks(rows: list[Any], end: str, of: str) -> Drawing:
    ways = _by_way(rows)
    unit, word = unit_of(max(sum(row.at_peak for row in own) for own in ways.values()))
    parts: dict[str, list[Any]] = {}
    for row in rows:
        parts.setdefault(row.part, []).append(row)
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": label(part),
            "x": [row.at_peak / unit for row in own],
            "y": [label(row.way) for row in own],
            "customdata": [f"{label(part)}: {_format.iec_bytes(row.at_peak)}" for row in own],
            "hovertemplate": "%{customdata}<extra></extra>",
            "marker": {"color": look(number).color, "pattern": pattern(look(number))},
        }
        for number, (part, own) in enumerate(parts.items())
        if any(row.at_peak for row in own)
    ]
    return Drawing(
        name=f"training-peak{end}",
        title=f"Memory at the peak{of}",
        caption="Bytes by what they hold; together they are the peak of each way to train.",
        figure=figure(
            traces,
            height=_FRAME + _BAR * len(ways),
            barmode="stack",
            xaxis=axis(word),
            yaxis=axis(autorange="reversed", type="category"),
            showlegend=True,
        ),
        wide=True,
    )


def _by_way(rows: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.way, []).append(row)
    return found


CHART = Chart(
    name="training",
    summary="memory through a step and at its peak, of each way to train",
    chapter="training",
    order=61,
    lead=1,
    draw=draw,
)
