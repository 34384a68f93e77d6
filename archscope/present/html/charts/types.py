"""Types of layers side by side: their shares, and how often each uses a parameter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, _shares
from archscope.present.html.charts._style import axis, figure, label, look, looks
from archscope.results import Report
from archscope.studies.names import short_names

_TYPES = _shares.Shares(
    name="types",
    title="Parameters and multiply-accumulates, by type of layer",
    address="params.types",
    part="type",
    measures=(("Params", ("trainable", "frozen")), ("MACs", ("macs",))),
)
_FEWEST = 2
"""Points from which there is something to compare."""


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw the shares of the types, and a point for each that both holds and does something."""
    yield from _shares.draw(reports, _TYPES, looks)
    traces = [
        _trace(number, name, points)
        for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True))
        if (points := _points(report))
    ]
    if sum(len(trace["x"]) for trace in traces) >= _FEWEST:
        yield Drawing(
            name="macs-per-parameter",
            title="Multiply-accumulates against parameters, by type of layer",
            caption="A point far above the others reuses few weights often, as a convolution does "
            "at every position; one far below has many weights and uses each rarely. Both "
            "axes are logarithmic; attention's products have no parameters and are not "
            "here.",
            figure=figure(
                traces,
                xaxis=axis("parameters", type="log", exponentformat="SI"),
                yaxis=axis("multiply-accumulates", type="log", exponentformat="SI"),
                showlegend=len(traces) > 1,
            ),
            folded=True,
        )


def _points(report: Report) -> list[Any]:
    rows = _shares.rows_of(report, _TYPES).values()
    return [row for row in rows if row.macs_per_parameter]


def _trace(number: int, name: str, rows: Sequence[Any]) -> dict[str, Any]:
    params = [row.trainable + row.frozen for row in rows]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": label(name),
        "x": params,
        "y": [row.macs for row in rows],
        "text": [label(row.type, 24) for row in rows],
        "textposition": "top center",
        "customdata": [
            f"{label(row.type)}: {_format.si(held)} parameters, {_format.si(row.macs)} MACs, "
            f"{_format.number(row.macs_per_parameter)} for each"
            for row, held in zip(rows, params, strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"color": look(number).color, "symbol": look(number).symbol, "size": 11},
    }


CHART = Chart(
    name="types",
    summary="parameters and MACs by type of layer",
    chapter="cost",
    order=15,
    lead=3,
    draw=draw,
)
