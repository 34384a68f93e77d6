"""Under which roof each type of module runs: memory to the left, arithmetic to the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import floor, log10
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, of_network, section
from archscope.present.html.charts._style import axis, figure, label, look, pattern
from archscope.present.html.charts.latency import device
from archscope.records import frozen
from archscope.results import Report
from archscope.studies.names import short_names

_MOST_TYPES = 7
"""Types of module that get a look of their own; the others are put together."""
_OTHERS = "other types"


@frozen
class _Kind:
    """All modules of one type, without their submodules."""

    name: str
    time_s: float = 0.0
    macs: int = 0
    moved_bytes: int = 0

    def __add__(self, other: _Kind) -> _Kind:
        return replace(
            self,
            time_s=self.time_s + other.time_s,
            macs=self.macs + other.macs,
            moved_bytes=self.moved_bytes + other.moved_bytes,
        )


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw where the time goes by type of module, and the roofline, of each timed network."""
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        kinds = _kinds(report)
        end = f"-{number}" if name else ""
        if len(kinds) > 1:
            yield from of_network([_shares(kinds, name, device(report), end)], number, name)
        placed = [kind for kind in kinds if kind.macs and kind.moved_bytes and kind.time_s]
        if placed and (roof := _roof(report)) is not None:
            yield from of_network(
                [_roofline(placed, roof, device(report), name, end)], number, name
            )


def _kinds(report: Report) -> list[_Kind]:
    """Return the types of module that take the most time, and the others as one."""
    found = section(report, "time.layers")
    sums: dict[str, _Kind] = {}
    for row in found.rows if found else ():
        sums[row.type] = sums.get(row.type, _Kind(name=row.type)) + _Kind(
            name=row.type,
            time_s=row.own_time_s or 0.0,
            macs=row.own_macs or 0,
            moved_bytes=row.own_bytes_moved or 0,
        )
    ranked = sorted(sums.values(), key=lambda kind: (-kind.time_s, kind.name))
    kinds = [kind for kind in ranked if kind.time_s > 0]
    rest = kinds[_MOST_TYPES:]
    if len(rest) < 2:
        return kinds
    return [*kinds[:_MOST_TYPES], sum(rest, _Kind(name=_OTHERS))]


def _shares(kinds: list[_Kind], name: str, where: str, end: str) -> Drawing:
    wholes = sum(kind.time_s for kind in kinds), sum(kind.macs for kind in kinds)
    traces = []
    for number, kind in enumerate(kinds):
        parts = (kind.time_s, wholes[0], "time"), (kind.macs, wholes[1], "MACs")
        traces.append(_share(number, kind.name, [part for part in parts if part[1]]))
    first = kinds[0]
    whose = f" of {_format.safe_label(name)}" if name else ""
    return Drawing(
        name=f"time-by-type{end}",
        title=f"Where the time goes{whose}, by type of module",
        caption=f"Time on {where}, compared with multiply-accumulates: "
        f"{_format.most(first.time_s, wholes[0])} time in {_format.safe_label(first.name)} "
        f"({_format.percent(first.time_s, wholes[0])}%). A type with more time than work "
        "is limited by memory or by its launches.",
        figure=figure(
            traces,
            height=210,
            barmode="stack",
            xaxis=axis("% of the total", range=[0, 101], dtick=20, fixedrange=True),
            yaxis=axis(autorange="reversed", fixedrange=True),
            uniformtext={"mode": "hide", "minsize": 11},
        ),
    )


def _share(number: int, name: str, parts: list[tuple[float, float, str]]) -> dict[str, Any]:
    percents = [f"{_format.percent(part, whole)}%" for part, whole, _ in parts]
    return {
        "type": "bar",
        "orientation": "h",
        "name": label(name, 24),
        "x": [100 * part / whole for part, whole, _ in parts],
        "y": [word for _, _, word in parts],
        "text": [
            percent if part >= 0.08 * whole else ""
            for percent, (part, whole, _) in zip(percents, parts, strict=True)
        ],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "insidetextfont": {"color": look(number).ink},
        "textangle": 0,
        "customdata": [f"{label(name)}: {percent}" for percent in percents],
        "hovertemplate": "%{customdata} of the %{y}<extra></extra>",
        "marker": {"color": look(number).color, "pattern": pattern(look(number))},
    }


def _roofline(
    kinds: list[_Kind], roof: tuple[float, float], where: str, name: str, end: str
) -> Drawing:
    intensities = [2 * kind.macs / kind.moved_bytes for kind in kinds]
    points = (_point(number, kind) for number, kind in enumerate(kinds))
    traces = [_roof_line(*roof, intensities), *points]
    whose = f" of {_format.safe_label(name)}" if name else ""
    return Drawing(
        name=f"roofline{end}",
        title=f"Roofline{whose} on {where}",
        caption=f"What each type of module reaches on {where}, against FLOPs for each byte that "
        "it must move at least (Williams et al. 2009). The line is what it can do at best: memory "
        "bandwidth to the left of its bend, the dense peak to the right.",
        figure=figure(
            traces,
            height=400,
            xaxis=axis("FLOPs per byte", type="log", dtick=1, range=_decades(traces, "x")),
            yaxis=axis(
                "FLOP/s",
                type="log",
                dtick=1,
                exponentformat="SI",
                range=_decades(traces, "y"),
            ),
            showlegend=True,
        ),
    )


def _decades(traces: list[dict[str, Any]], along: str) -> list[int]:
    """Return whole powers of ten around everything that is drawn."""
    values = [value for trace in traces for value in trace[along]]
    return [floor(log10(min(values))), floor(log10(max(values))) + 1]


def _roof(report: Report) -> tuple[float, float] | None:
    """Return the dense peak in FLOP/s and the bandwidth in bytes/s, where both are cited."""
    found = section(report, "time.conditions")
    rows = {} if found is None else {row.name: row.value for row in found.rows}
    peak, bandwidth = rows.get("dense peak"), rows.get("memory bandwidth")
    known = isinstance(peak, int | float) and isinstance(bandwidth, int | float)
    return (float(peak), float(bandwidth)) if known and peak and bandwidth else None


def _roof_line(peak: float, bandwidth: float, intensities: list[float]) -> dict[str, Any]:
    ridge = peak / bandwidth
    left, right = min([ridge, *intensities]) / 4, max([ridge, *intensities]) * 4
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"roof: {_format.si(peak)}FLOP/s, {_format.si(bandwidth)}B/s",
        "x": [left, ridge, right],
        "y": [left * bandwidth, peak, peak],
        "hoverinfo": "skip",
        "line": {"color": "#7a7f85", "width": 2},
    }


def _point(number: int, kind: _Kind) -> dict[str, Any]:
    reached = 2 * kind.macs / kind.time_s
    intensity = 2 * kind.macs / kind.moved_bytes
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(kind.name, 24),
        "x": [intensity],
        "y": [reached],
        "customdata": [
            f"{label(kind.name)}: {_format.si(reached)}FLOP/s at "
            f"{_format.number(intensity)} FLOPs per byte, {_format.seconds(kind.time_s)}"
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"color": look(number).color, "symbol": look(number).symbol, "size": 12},
    }


CHART = Chart(
    name="roofline",
    summary="where the time goes by type of module, and under which roof",
    chapter="time",
    order=20,
    draw=draw,
)
