"""What is alive through a step of training, and what of it at the peak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, section
from archscope.present.html.charts._bytes import hover, named_peak, unit_of
from archscope.present.html.charts._style import axis, figure, label, look, pattern
from archscope.results import Report
from archscope.studies.names import short_names


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw a line for each report whose step was run with all its blocks, and bars of its peak."""
    found = [
        (name, list(here.rows), report)
        for name, report in zip(short_names(reports), reports, strict=True)
        if (here := section(report, "memory.timeline"))
    ]
    if not found:
        return
    most = max(row.alive for _, rows, _ in found for row in rows)
    unit, word = unit_of(most)
    yield _timeline([(name, rows) for name, rows, _ in found], unit, word)
    yield _peak([(name, report) for name, _, report in found], unit, word)


def _timeline(found: list[tuple[str, list[Any]]], unit: int, word: str) -> Drawing:
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": label(name) or "alive",
            "x": [100 * row.turn / len(rows) for row in rows],
            "y": [row.alive / unit for row in rows],
            "customdata": [hover(row) for row in rows],
            "hovertemplate": "%{customdata}<extra></extra>",
            "line": {"color": look(number).color, "dash": look(number).dash, "shape": "hv"},
            **({"fill": "tozeroy"} if len(found) == 1 else {}),
        }
        for number, (name, rows) in enumerate(found)
    ]
    said = "; ".join(named_peak(name, rows) for name, rows in found)
    return Drawing(
        name="memory-step",
        title="Memory through a step of training",
        caption=f"Memory in use while each module runs, in order. {said}.",
        figure=figure(
            traces,
            xaxis=axis("progress through the step, %", range=[0, 100]),
            yaxis=axis(word, rangemode="tozero"),
            showlegend=len(found) > 1,
        ),
        wide=True,
    )


def _peak(found: list[tuple[str, Report]], unit: int, word: str) -> Drawing:
    parts: dict[str, list[int]] = {}
    for _, report in found:
        for row in report.section("memory.parts").rows:
            parts.setdefault(row.part, []).append(row.at_peak or 0)
    names = [label(name) or "peak" for name, _ in found]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": label(part),
            "x": [size / unit for size in sizes],
            "y": names,
            "customdata": [f"{label(part)}: {_format.iec_bytes(size)}" for size in sizes],
            "hovertemplate": "%{customdata}<extra></extra>",
            "marker": {"color": look(number).color, "pattern": pattern(look(number))},
        }
        for number, (part, sizes) in enumerate(parts.items())
        if any(sizes)
    ]
    return Drawing(
        name="memory-peak",
        title="What is there at the peak",
        caption="Bytes by what they hold when most memory is in use; together they are the peak.",
        figure=figure(
            traces,
            barmode="stack",
            xaxis=axis(word),
            yaxis=axis(autorange="reversed"),
            showlegend=True,
        ),
    )


CHART = Chart(
    name="memory",
    summary="memory through a step of training, and what is there at its peak",
    chapter="memory",
    order=60,
    lead=1,
    draw=draw,
)
