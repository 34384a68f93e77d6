"""How far what is computed is from what was published, fact by fact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, section
from archscope.present.html.charts._style import axis, figure, look, pattern
from archscope.results import Report

_STEPS = (1e-12, 0.001, 0.01, 0.05)
"""Relative errors up to which facts are put together; up to the first it is rounding."""
_VERDICTS = {
    "ok": "within tolerance",
    "explained": "differs, for a known reason",
    "missed": "misses",
}
_FEWEST = 3
"""Facts from which a picture says more than their rows."""


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw how many facts are how far off, of each report that computed several."""
    for report in reports:
        found = section(report, "facts.facts")
        known = [row for row in found.rows if row.error is not None] if found else []
        if len(known) >= _FEWEST:
            yield _drawing(known)


def _drawing(rows: Sequence[Any]) -> Drawing:
    counts = Counter((row.outcome, _step(abs(row.error))) for row in rows)
    names = _names()
    traces = [
        _bars(number, verdict, [counts[verdict, step] for step in range(len(names))], names)
        for number, verdict in enumerate(_VERDICTS)
        if any(counts[verdict, step] for step in range(len(names)))
    ]
    equal = sum(counts[verdict, 0] for verdict in _VERDICTS)
    return Drawing(
        name="facts",
        title="How far off",
        caption=f"Of {len(rows):,} facts that were computed, {equal:,} are the very number that "
        "was published; the others by the relative error.",
        figure=figure(
            traces,
            height=90 + 34 * len(names),
            barmode="stack",
            bargap=0.25,
            xaxis=axis("facts", rangemode="tozero"),
            yaxis=axis("", autorange="reversed"),
            showlegend=True,
        ),
        wide=True,
    )


def _step(error: float) -> int:
    return sum(error > step for step in _STEPS)


def _names() -> list[str]:
    ends = [f"up to {_format.percent(step, 1)}%" for step in _STEPS[1:]]
    return ["the same", *ends, "more"]


def _bars(number: int, verdict: str, counts: list[int], names: list[str]) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": _VERDICTS[verdict],
        "x": counts,
        "y": names,
        "hovertemplate": "%{y}: %{x} facts<extra></extra>",
        "marker": {"color": look(number).color, "pattern": pattern(look(number))},
    }


CHART = Chart(
    name="facts",
    summary="how far what is computed is from what was published",
    chapter="facts",
    order=10,
    lead=1,
    draw=draw,
)
