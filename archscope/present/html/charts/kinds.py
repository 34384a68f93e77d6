"""FLOPs against parameters for each type of module: the ones that are dear in only one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, section
from archscope.present.html.charts._style import axis, figure, label, look
from archscope.present.html.names import short_names
from archscope.results import Report

_MOST = 200
_FEWEST = 3


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw a point for each type of module that holds and does something."""
    traces, said = [], 0
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        found = section(report, "params.modules")
        points = {} if found is None else _points(found.rows)
        both = {kind: each for kind, each in points.items() if all(each)}
        if both:
            said = max(said, len(both))
            traces.append(_trace(number, name, both))
    if said >= _FEWEST:
        yield Drawing(
            name="kinds",
            title="FLOPs against parameters, by type of module",
            caption="A point far above the others works hard with few weights; one far below "
            "holds many and works little. Both axes are logarithmic.",
            figure=figure(
                traces,
                xaxis=axis("parameters", type="log", exponentformat="SI"),
                yaxis=axis("FLOPs", type="log", exponentformat="SI"),
                showlegend=len(traces) > 1,
            ),
            folded=True,
        )


def _points(rows: Sequence[Any]) -> dict[str, tuple[int, int]]:
    """Return parameters and FLOPs by type of module, the heaviest types first."""
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        params, flops = found.get(row.type, (0, 0))
        own = row.own_trainable + row.own_frozen
        found[row.type] = (params + own, flops + (row.own_flops or 0))
    heaviest = sorted(found.items(), key=lambda pair: (-sum(pair[1]), pair[0]))
    return dict(heaviest[:_MOST])


def _trace(number: int, name: str, points: dict[str, tuple[int, int]]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": label(name),
        "x": [params for params, _ in points.values()],
        "y": [flops for _, flops in points.values()],
        "text": [label(kind, 20) for kind in points],
        "textposition": "top center",
        "customdata": [
            f"{label(kind)}: {_format.si(params)} parameters, {_format.si(flops)} FLOPs"
            for kind, (params, flops) in points.items()
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"color": look(number).color, "symbol": look(number).symbol, "size": 11},
    }


CHART = Chart(
    name="kinds",
    summary="FLOPs against parameters by type of module",
    chapter="cost",
    order=40,
    draw=draw,
)
