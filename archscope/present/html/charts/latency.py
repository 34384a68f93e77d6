"""How long each pass took, with the spread of its samples; several networks side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, of_network, section
from archscope.present.html.charts._style import axis, figure, label, look, pattern
from archscope.results import Report
from archscope.studies.names import short_names

_MS = 1e3
"""Milliseconds in a second."""


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw the times of one network as bars, those of several as lines, all with p5 to p95."""
    timed = [
        (name, report, list(found.rows))
        for name, report in zip(short_names(reports), reports, strict=True)
        if (found := section(report, "time.passes"))
    ]
    if not timed:
        return
    where = ", ".join(dict.fromkeys(device(report) for _, report, _ in timed))
    if len(timed) == 1:
        yield _passes(timed[0][2], where)
    else:
        yield _networks([(name, rows) for name, _, rows in timed], where)
        yield from _per_block(timed, where)
    for number, (name, report, _) in enumerate(timed):
        yield from of_network(
            _runs(report, name, where, f"-{number}" if name else ""), number, name
        )


def device(report: Report) -> str:
    """Return what a report's times were taken on: a CPU's time is never shown as a GPU's."""
    found = section(report, "time.conditions")
    rows = {} if found is None else {row.name: row.value for row in found.rows}
    named = rows.get("device name") or rows.get("device") or "an unknown device"
    return _format.safe_label(named)


def _passes(rows: list[Any], where: str) -> Drawing:
    trace = {
        "type": "bar",
        "orientation": "h",
        "name": "median",
        "x": [_MS * row.median_s for row in rows],
        "y": [label(row.stage) for row in rows],
        "error_x": _spread(rows),
        "customdata": [_hover(row) for row in rows],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"color": look(0).color, "pattern": pattern(look(0))},
    }
    return Drawing(
        name="latency",
        title=f"Time of each pass on {where}",
        caption=f"Median, and from the 5th to the 95th percentile of the samples, on {where}. "
        + "; ".join(_said(row) for row in rows)
        + ".",
        figure=figure(
            [trace],
            height=110 + 44 * len(rows),
            xaxis=axis("ms", rangemode="tozero"),
            yaxis=axis(autorange="reversed", type="category"),
            showlegend=False,
        ),
    )


def _networks(timed: list[tuple[str, list[Any]]], where: str) -> Drawing:
    stages = tuple(dict.fromkeys(row.stage for _, rows in timed for row in rows))
    traces = []
    for number, stage in enumerate(stages):
        of_stage = [(n, row) for n, rows in timed for row in rows if row.stage == stage]
        traces.append(_line(number, label(stage), of_stage))
    return Drawing(
        name="latency",
        title=f"Time of each network on {where}",
        caption=f"Median, and from the 5th to the 95th percentile of the samples, on {where}. "
        + "; ".join(f"{_format.safe_label(name)}: {_said(rows[0])}" for name, rows in timed)
        + ".",
        figure=figure(
            traces,
            xaxis=axis(type="category"),
            yaxis=axis("ms", rangemode="tozero"),
            showlegend=len(traces) > 1,
        ),
    )


def _line(number: int, name: str, rows: list[tuple[str, Any]]) -> dict[str, Any]:
    chosen = look(number)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [label(network) for network, _ in rows],
        "y": [_MS * row.median_s for _, row in rows],
        "error_y": _spread([row for _, row in rows]),
        "customdata": [_hover(row) for _, row in rows],
        "hovertemplate": "%{x}: %{customdata}<extra></extra>",
        "line": {"color": chosen.color, "dash": chosen.dash, "width": 2},
        "marker": {"color": chosen.color, "symbol": chosen.symbol, "size": 9},
    }


def _per_block(timed: list[tuple[str, Report, list[Any]]], where: str) -> Iterator[Drawing]:
    """Draw the time of a forward pass per block, where every network says how many it has."""
    blocks = [_blocks(report) for _, report, _ in timed]
    counts = [number for number in blocks if number]
    if len(counts) < len(timed):
        return
    each = [_MS * rows[0].median_s / n for (_, _, rows), n in zip(timed, counts, strict=True)]
    trace = {
        "type": "bar",
        "name": "ms per block",
        "x": [label(name) for name, _, _ in timed],
        "y": each,
        "text": [_format.seconds(value / _MS) for value in each],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{x}: %{text} per block<extra></extra>",
        "marker": {"color": look(1).color, "pattern": pattern(look(1))},
    }
    yield Drawing(
        name="per-block",
        title=f"Time per block on {where}",
        caption="Median of the forward pass divided by the number of blocks: flat if time is "
        "proportional to depth.",
        figure=figure(
            [trace],
            xaxis=axis(type="category"),
            yaxis=axis("ms", rangemode="tozero"),
            showlegend=False,
        ),
    )


def _blocks(report: Report) -> int | None:
    found = section(report, "params.depth")
    rows = () if found is None else found.rows
    return next((row.value for row in rows if row.measure == "blocks"), None)


def _runs(report: Report, name: str, where: str, end: str) -> Iterator[Drawing]:
    found = section(report, "time.samples")
    if found is None:
        return
    stages = tuple(dict.fromkeys(row.stage for row in found.rows))
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": label(stage),
            "x": [row.run for row in found.rows if row.stage == stage],
            "y": [round(_MS * row.seconds, 6) for row in found.rows if row.stage == stage],
            "hovertemplate": "sample %{x}: %{y} ms<extra></extra>",
            "line": {"color": look(number).color, "dash": look(number).dash, "width": 1.5},
        }
        for number, stage in enumerate(stages)
    ]
    whose = f", {_format.safe_label(name)}" if name else ""
    yield Drawing(
        name=f"runs{end}",
        title=f"Every sample{whose}",
        caption=f"Samples in the order in which they were taken{_means(found.rows)}, on {where}: "
        "steps and slopes are clocks that change or other work on the machine.",
        figure=figure(
            traces,
            xaxis=axis("sample"),
            yaxis=axis("ms", rangemode="tozero"),
            showlegend=len(traces) > 1,
        ),
        folded=True,
    )


def _means(samples: Sequence[Any]) -> str:
    """Return in a clause what a sample is, where it is more than one run."""
    runs = max((row.runs for row in samples), default=1)
    return "" if runs == 1 else f", the mean of {runs:,} runs at most"


def _spread(rows: Sequence[Any]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [_MS * (row.p95_s - row.median_s) for row in rows],
        "arrayminus": [_MS * (row.median_s - row.p5_s) for row in rows],
        "thickness": 2,
        "color": "#7a7f85",
    }


def _hover(row: Any) -> str:
    low, high = _format.seconds(row.p5_s), _format.seconds(row.p95_s)
    return f"{label(row.stage)}: median {_format.seconds(row.median_s)}, {low} to {high}"


def _said(row: Any) -> str:
    return f"{_format.safe_label(row.stage)} {_format.seconds(row.median_s)}"


CHART = Chart(
    name="latency",
    summary="the time of each pass and the spread of its samples",
    chapter="time",
    order=10,
    lead=1,
    draw=draw,
)
