"""The squares that hold a share of an output's gradients, by two definitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, of_network, section
from archscope.present.html.charts._style import LOOKS, THEORY, axis, figure, label
from archscope.results import Report
from archscope.studies.names import short_names

_MEASURES = ("raw mass", "RepLKNet area")


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw the side of the square that holds each share, of each report that measured it."""
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        found = section(report, "rf.erf")
        if found is not None:
            whose = f", {_format.safe_label(name)}" if name else ""
            yield from of_network(
                _squares(found.rows, whose, f"-{number}" * bool(name)), number, name
            )


def _squares(rows: Sequence[Any], whose: str, end: str) -> Iterator[Drawing]:
    traces = []
    for number, measure in enumerate(_MEASURES):
        known = [row for row in rows if row.measure == measure and row.side is not None]
        if known:
            traces.append(_sides(known, LOOKS[number], measure))
    sides = {row.measure: row.side for row in rows}
    theory = sides.get("local theory", sides.get("theory"))
    if not traces or theory is None:
        return
    never = [
        f"{_format.percent(row.threshold)}% of the {row.measure}"
        for row in rows
        if row.measure in _MEASURES and row.side is None
    ]
    missed = f" Never reached: {', '.join(map(_format.safe_label, never))}." if never else ""
    yield Drawing(
        name=f"squares{end}",
        title=f"Squares that hold a share of the gradient{whose}",
        caption="Side of the smallest centred square. Raw mass is of summed |gradient|; "
        "RepLKNet's area is of log10(1 + gradient) / max (Ding et al. 2022) and can only "
        f"be compared with other such areas.{missed}",
        figure=figure(
            [*traces, _level(theory)],
            xaxis=axis("% held", range=[0, 105]),
            yaxis=axis("positions along an axis", rangemode="tozero"),
            showlegend=True,
        ),
    )


def _sides(rows: Sequence[Any], look: Any, measure: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label(measure),
        "x": [100 * row.threshold for row in rows],
        "y": [row.side for row in rows],
        "hovertemplate": "%{x}% within %{y} positions<extra></extra>",
        "line": {"color": look.color, "dash": look.dash, "width": 2},
        "marker": {"color": look.color, "symbol": look.symbol, "size": 9},
    }


def _level(side: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"in theory: {_format.number(side)}",
        "x": [0, 105],
        "y": [side, side],
        "line": {"color": THEORY.color, "dash": "dash", "width": 2},
        "hoverinfo": "skip",
    }


CHART = Chart(
    name="squares",
    summary="the squares that hold a share of an output's gradients",
    chapter="rf",
    order=51,
    draw=draw,
)
