"""From where an output draws through each choice of dilations: how evenly, and how far out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, section
from archscope.present.html.charts._style import axis, figure, label, look
from archscope.results import Report


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw the paths of all choices of a report over each other, in shares of each one's own."""
    for report in reports:
        choices, rows = section(report, "rf.schedules"), section(report, "rf.schedule_paths")
        if choices is not None and rows is not None:
            yield _drawing(choices.rows, rows.rows)


def _drawing(choices: Sequence[Any], rows: Sequence[Any]) -> Drawing:
    evenest = max(choices, key=lambda each: each.uniformity or 0)
    return Drawing(
        name="schedules",
        title="Where each choice looks",
        caption="Share of all paths that start at each position: a flat line weights the whole "
        "receptive field evenly, a peak mostly its middle. The flattest is "
        f"{evenest.kind}.",
        figure=figure(
            [
                _trace(number, choice, [row for row in rows if row.kind == choice.kind])
                for number, choice in enumerate(choices)
            ],
            xaxis=axis("position, from the middle"),
            yaxis=axis("% of all paths", rangemode="tozero"),
            showlegend=True,
        ),
        wide=True,
    )


def _trace(number: int, choice: Any, rows: Sequence[Any]) -> dict[str, Any]:
    whole, chosen = sum(row.paths for row in rows), look(number)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(f"{choice.kind}: {choice.dilations}"),
        "x": [row.position for row in rows],
        "y": [100 * row.paths / whole for row in rows],
        "customdata": [f"{_format.integer(row.paths)} paths" for row in rows],
        "hovertemplate": "position %{x}: %{customdata}<extra></extra>",
        "line": {"color": chosen.color, "dash": chosen.dash, "width": 2, "shape": "hvh"},
    }


CHART = Chart(
    name="schedules",
    summary="from where an output draws through each choice of dilations",
    chapter="rf",
    order=10,
    lead=1,
    draw=draw,
)
