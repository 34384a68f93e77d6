"""Throughput against the size of the batch, until memory runs out; several networks as lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, section
from archscope.present.html.charts._style import axis, figure, label, look
from archscope.present.html.charts.latency import device
from archscope.results import Report
from archscope.studies.names import short_names


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw a line for each network whose time was taken with several sizes of its batch."""
    swept = [
        (name, report, found)
        for name, report in zip(short_names(reports), reports, strict=True)
        if (found := section(report, "time.batches"))
    ]
    lines = [_line(number, name, found.rows) for number, (name, _, found) in enumerate(swept)]
    if not swept or not any(line["x"] for line in lines):
        return
    where = ", ".join(dict.fromkeys(device(report) for _, report, _ in swept))
    item = next((found.totals.item for _, _, found in swept if found.totals.item), "sample")
    yield Drawing(
        name="throughput",
        title=f"Throughput by the size of the batch on {where}",
        caption=" ".join(_said(name, found, item) for name, _, found in swept),
        figure=figure(
            lines,
            xaxis=axis("batch", type="log", dtick=0.30103, tickformat="~d"),
            yaxis=axis(f"{item}s per second", rangemode="tozero"),
            showlegend=len(lines) > 1,
        ),
    )


def _line(number: int, name: str, rows: Sequence[Any]) -> dict[str, Any]:
    timed = [row for row in rows if row.items_per_s is not None]
    chosen = look(number)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label(name) or "throughput",
        "x": [row.batch for row in timed],
        "y": [row.items_per_s for row in timed],
        "customdata": [_format.seconds(row.median_s) for row in timed],
        "hovertemplate": "batch %{x}: %{y:.4s}/s, %{customdata} a pass<extra></extra>",
        "line": {"color": chosen.color, "dash": chosen.dash, "width": 2},
        "marker": {"color": chosen.color, "symbol": chosen.symbol, "size": 9},
    }


def _said(name: str, found: Any, item: str) -> str:
    totals, whose = found.totals, f"{_format.safe_label(name)}: " if name else ""
    full = next((row.batch for row in found.rows if row.unknown == "out of memory"), None)
    ends = "" if full is None else f"; {full:,} does not fit into memory"
    return f"{whose}most {item}s per second at batch {totals.best}{ends}."


CHART = Chart(
    name="throughput",
    summary="throughput against the size of the batch",
    chapter="time",
    order=12,
    draw=draw,
)
