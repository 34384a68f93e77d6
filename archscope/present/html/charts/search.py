"""What the variants that a search found cost and see, each against the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import MOST_POINTS, Chart, Drawing, section
from archscope.present.html.charts._style import axis, figure, label, look
from archscope.results import Report

_LINES = {
    "params": "parameters",
    "macs": "MACs",
    "receptive_field": "receptive field",
    "launches": "operator calls",
    "activation_bytes": "activations",
    "latency": "latency",
}
"""What is drawn, and what it is called."""
_LOG_FROM = 20
"""Ratio from which the axis is logarithmic."""


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw a line for each number that is not the same for all variants of a search."""
    for report in reports:
        found = section(report, "search.variants")
        if found is None or not 1 < len(found.rows) <= MOST_POINTS:
            continue
        lines = {name: ratios for name in _LINES if (ratios := _ratios(found.rows, name))}
        if lines:
            yield _drawing(found.rows, lines)


def _ratios(rows: Sequence[Any], name: str) -> list[float]:
    """Return a number of each row as a multiple of the first's; empty where it tells nothing."""
    values = [getattr(row, name) for row in rows]
    plain = [prod(value) if isinstance(value, tuple) else value for value in values]
    if None in plain or len(set(plain)) < 2 or not all(plain):
        return []
    return [value / plain[0] for value in plain]


def _drawing(rows: Sequence[Any], lines: dict[str, list[float]]) -> Drawing:
    every = [ratio for ratios in lines.values() for ratio in ratios]
    wide = max(every) >= _LOG_FROM * min(every)
    names = [label(row.variant) for row in rows]
    first = _format.safe_label(rows[0].variant)
    return Drawing(
        name="search",
        title="Each variant against the first",
        caption=f"Relative to the first variant: {first}. Measures that are equal in all variants "
        "are left out.",
        figure=figure(
            [_trace(n, name, names, ratios) for n, (name, ratios) in enumerate(lines.items())],
            xaxis=axis("", type="category", tickangle=-30),
            yaxis=axis(
                "times the first's",
                **(
                    {"type": "log", "dtick": 1, "exponentformat": "none"}
                    if wide
                    else {"rangemode": "tozero"}
                ),
            ),
            showlegend=True,
        ),
        wide=True,
    )


def _trace(number: int, name: str, variants: list[str], ratios: list[float]) -> dict[str, Any]:
    chosen = look(number)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label(_LINES[name]),
        "x": variants,
        "y": ratios,
        "line": {"color": chosen.color, "dash": chosen.dash, "width": 2},
        "marker": {"color": chosen.color, "symbol": chosen.symbol, "size": 9},
    }


CHART = Chart(
    name="search",
    summary="what the variants of a search cost and see, against the first",
    chapter="search",
    order=70,
    lead=1,
    draw=draw,
)
