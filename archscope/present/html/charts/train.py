"""What a step of training multiplies, by type of module: forward, backward and again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, of_network, section
from archscope.present.html.charts._rows import by_type, height, stacked
from archscope.present.html.charts._style import axis, figure
from archscope.results import Report
from archscope.studies.names import short_names

_WORK = {
    "own_forward": "forward",
    "own_by_weight": "for gradients of weights",
    "own_by_input": "for gradients of inputs",
    "own_by_function": "by functions of their own",
    "own_recomputed": "forward, again",
}


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw a bar for each type of module that multiplies anything, of each report."""
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        found, totals = section(report, "train.modules"), report.totals_of("train.modules")
        bars = by_type(found.rows, tuple(_WORK)) if found else {}
        if bars and totals is not None:
            end = f"-{number}" if name else ""
            yield from of_network([_drawing(bars, totals, name, end)], number, name)


def _drawing(bars: dict[str, dict[str, float]], totals: Any, name: str, end: str) -> Drawing:
    whose = f" of {_format.safe_label(name)}" if name else ""
    again = f", {_format.si(totals.recomputed)} recomputed" if totals.recomputed else ""
    return Drawing(
        name=f"step-work{end}",
        title=f"Multiply-accumulates of a training step{whose}, by type of module",
        caption=f"Multiply-accumulates: {_format.si(totals.forward)} forward, "
        f"{_format.si(totals.backward)} backward{again}. Frozen weights need no gradient, "
        "and layers with nothing trainable before them need no gradient of their inputs.",
        figure=figure(
            stacked(bars, _WORK, _format.si),
            height=height(bars),
            barmode="stack",
            xaxis=axis("multiply-accumulates", exponentformat="SI"),
            yaxis=axis(autorange="reversed", type="category"),
            showlegend=True,
        ),
        wide=True,
    )


CHART = Chart(
    name="train",
    summary="multiply-accumulates of a step of training by type of module",
    chapter="train",
    order=61,
    lead=1,
    draw=draw,
)
