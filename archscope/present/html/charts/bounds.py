"""How long each type of module takes at least on a card, and whether bytes or arithmetic say so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, of_network, section
from archscope.present.html.charts._rows import by_type, height, stacked
from archscope.present.html.charts._style import axis, figure
from archscope.records import frozen
from archscope.results import Report
from archscope.studies.names import short_names

_BINDS = {"compute": "bound by arithmetic", "memory": "bound by memory"}
_UNITS = ((1.0, "s"), (1e-3, "ms"), (0.0, "µs"))
"""From how many seconds on an axis counts in a unit."""
_SECONDS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}


@frozen
class _Bound:
    """One module without its submodules."""

    type: str
    compute: float
    memory: float


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw a bar for each type of module, of each report whose card nobody ran it on."""
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        found, totals = section(report, "time.bounds"), report.totals_of("time.bounds")
        bars = by_type([_bound(row) for row in found.rows], tuple(_BINDS)) if found else {}
        if bars and totals is not None:
            end = f"-{number}" if name else ""
            yield from of_network([_drawing(bars, totals, name, end)], number, name)


def _bound(row: Any) -> _Bound:
    seconds = {row.own_binds: row.own_bound_s}
    return _Bound(
        type=row.type, compute=seconds.get("compute", 0.0), memory=seconds.get("memory", 0.0)
    )


def _drawing(bars: dict[str, dict[str, float]], totals: Any, name: str, end: str) -> Drawing:
    whose = f" of {_format.safe_label(name)}" if name else ""
    longest = max(sum(parts.values()) for parts in bars.values())
    unit = next(word for least, word in _UNITS if longest >= least)
    return Drawing(
        name=f"bounds{end}",
        title=f"Lower bound on the time{whose}, by type of module",
        caption=f"On {_format.safe_label(totals.card)} in {_format.safe_label(totals.precision)}, "
        f"module by module: {_format.seconds(totals.bound_s)} in total, a lower bound by "
        "the roofline (Williams et al. 2009); nothing was run.",
        figure=figure(
            stacked(bars, _BINDS, _format.seconds, _SECONDS[unit]),
            height=height(bars),
            barmode="stack",
            xaxis=axis(unit),
            yaxis=axis(autorange="reversed", type="category"),
            showlegend=True,
        ),
        wide=True,
    )


CHART = Chart(
    name="bounds",
    summary="the least time of each type of module on a card, and what binds it",
    chapter="time",
    order=15,
    lead=2,
    draw=draw,
)
