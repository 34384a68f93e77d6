"""How many tokens each scaling law finds best for a network, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, of_network, section
from archscope.present.html.charts._style import axis, figure, label, look
from archscope.results import Report
from archscope.studies.names import short_names

_ROW, _FRAME = 20, 100
"""Pixels of height that a law takes, and all around them."""


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw a mark for each law that says a number, of each report that asked them."""
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        found = section(report, "scaling.laws")
        laws = [row for row in found.rows if row.optimal_tokens] if found else []
        if len(laws) > 1:
            end = f"-{number}" if name else ""
            yield from of_network([_drawing(laws, name, end)], number, name)


def _drawing(laws: list[Any], name: str, end: str) -> Drawing:
    laws = sorted(laws, key=lambda row: row.optimal_tokens)
    least, most = laws[0], laws[-1]
    whose = f" for {_format.safe_label(name)}" if name else ""
    given = _given(laws)
    there = f"; the line marks the {_format.si(given)} tokens given" if given else ""
    return Drawing(
        name=f"laws{end}",
        title=f"Best number of training tokens{whose}, by scaling law",
        caption=f"From {_format.si(least.optimal_tokens)} ({_format.safe_label(least.law)}) to "
        f"{_format.si(most.optimal_tokens)} ({_format.safe_label(most.law)}): each law counts N in "
        f"its own way{there}.",
        figure=figure(
            [_marks(laws)],
            height=_FRAME + _ROW * len(laws),
            xaxis=axis("tokens", type="log", dtick=1, exponentformat="SI"),
            yaxis=axis(type="category", autorange="reversed", dtick=1, tickfont={"size": 11}),
            showlegend=False,
            shapes=[_line(given)] if given else [],
        ),
        wide=True,
    )


def _given(laws: list[Any]) -> float | None:
    """Return the tokens that were said, of which each law says how many times its best they are."""
    said = [row.tokens_of_optimal * row.optimal_tokens for row in laws if row.tokens_of_optimal]
    return said[0] if said else None


def _marks(laws: list[Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "best",
        "x": [row.optimal_tokens for row in laws],
        "y": [label(row.law) for row in laws],
        "customdata": [
            f"{label(row.law)}: {_format.si(row.optimal_tokens)} tokens, "
            f"{_format.number(row.tokens_per_parameter)} for each of its parameters"
            for row in laws
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"color": look(0).color, "symbol": look(0).symbol, "size": 11},
    }


def _line(at: float) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": at,
        "x1": at,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"width": 2, "dash": "dot", "color": look(1).color},
    }


CHART = Chart(
    name="scaling",
    summary="the best number of tokens by every scaling law",
    chapter="scaling",
    order=63,
    lead=1,
    draw=draw,
)
