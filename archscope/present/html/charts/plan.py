"""What a card of each stage has in training, beside the memory of a card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, section
from archscope.present.html.charts._style import axis, figure, label, look, pattern
from archscope.results import Report
from archscope.studies.names import short_names

_GIB = 2**30
_KINDS = ("weights, gradients, optimizer", "activations", "else")


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw a bar for each stage of each plan, of what is described for it."""
    bars: list[tuple[str, Any]] = []
    limits: dict[str, int] = {}
    named = list(zip(short_names(reports), reports, strict=True))
    for name, report in named:
        here = section(report, "plan.stages")
        if here is None:
            continue
        bars += [(_name(name, row, len(here.rows)), row) for row in here.rows]
        limit = report.totals_of("plan.parts").limit
        if limit is not None:
            limits[label(name)] = limit
    if bars:
        yield _drawing(bars, limits)


def _name(network: str, row: Any, stages: int) -> str:
    words = [label(network)] if network else []
    words += [f"stage {row.stage}"] if stages > 1 or not network else []
    return ", ".join(words)


def _drawing(bars: list[tuple[str, Any]], limits: dict[str, int]) -> Drawing:
    sizes = [_sizes(row) for _, row in bars]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": kind,
            "x": [each[number] / _GIB for each in sizes],
            "y": [name for name, _ in bars],
            "customdata": [f"{kind}: {_format.iec_bytes(each[number])}" for each in sizes],
            "hovertemplate": "%{y}<br>%{customdata}<extra></extra>",
            "marker": {"color": look(number).color, "pattern": pattern(look(number))},
        }
        for number, kind in enumerate(_KINDS)
        if any(each[number] for each in sizes)
    ]
    cards = sorted(set(limits.values()))
    said = " and ".join(_format.iec_bytes(each) for each in cards)
    known = all(row.bytes is not None for _, row in bars)
    return Drawing(
        name="plan-stages",
        title="What a card of each stage has",
        caption=("Memory of one GPU in training" if known else "What is known of a card")
        + (f"; the line is a card of {said}." if cards else "."),
        figure=figure(
            traces,
            barmode="stack",
            xaxis=axis("GiB", rangemode="tozero"),
            yaxis=axis(autorange="reversed"),
            showlegend=True,
            shapes=[_line(each / _GIB) for each in cards],
        ),
        wide=True,
    )


def _sizes(row: Any) -> tuple[int, int, int]:
    states, kept = row.states or 0, row.kept or 0
    return states, kept, max(0, row.known - states - kept)


def _line(at: float) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": at,
        "x1": at,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"width": 2, "dash": "dot", "color": "#7a7f85"},
    }


CHART = Chart(
    name="plan",
    summary="memory of a card of each stage of a pipeline in training",
    chapter="plan",
    order=62,
    lead=1,
    draw=draw,
)
