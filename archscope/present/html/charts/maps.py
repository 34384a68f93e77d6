"""How much of each map within the network one output sees: gridding that the input hides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import MOST_POINTS, Chart, Drawing, of_network, section
from archscope.present.html.charts._style import LOOKS, Look, axis, figure, label, pattern
from archscope.results import Report
from archscope.studies.names import short_names

_FULL, _HOLED = LOOKS[0], LOOKS[5]


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw the coverage of every map of each report that has several."""
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        rows = _rows(report)
        if len(rows) > 1:
            yield from of_network(
                [_drawing(rows, name, f"-{number}" if name else "")], number, name
            )


def _rows(report: Report) -> list[Any]:
    """Return the maps whose holes are news: one dilated layer alone always leaves some."""
    found = section(report, "rf.maps")
    maps = [
        row
        for row in (found.rows if found else ())
        if row.coverage is not None and (row.reads == "input" or row.layers > 1)
    ]
    return _once(maps)


def _once(maps: Sequence[Any]) -> list[Any]:
    """Return maps that are seen alike one after the other, as behind a ReLU, as one."""
    found = []
    for _, alike in groupby(maps, key=lambda each: replace(each, reads="", listed=True)):
        same = list(alike)
        name = same[0].reads if len(same) == 1 else f"{same[0].reads} … {same[-1].reads}"
        found.append(replace(same[0], reads=name))
    return found


def _drawing(rows: list[Any], name: str, end: str) -> Drawing:
    worst = min(rows, key=lambda row: row.coverage)
    few = len(rows) <= MOST_POINTS
    whose = f", {_format.safe_label(name)}" if name else ""
    ticks = {"tickvals": list(range(len(rows))), "ticktext": [label(r.reads, 28) for r in rows]}
    share = _format.percent(worst.coverage)
    caption = (
        "Every map is seen without holes."
        if worst.coverage == 1
        else f"Worst: one output sees {share}% of its window on "
        f"{_described(worst.reads)} ({_streams(worst)})."
    )
    return Drawing(
        name=f"maps{end}",
        title=f"Coverage of each map within{whose}",
        caption="Share of its window that one output sees, of the input and of each map that "
        f"more than one layer reads. {caption}",
        figure=figure(
            _bars(rows) if few else [_line(rows)],
            height=min(900, 140 + 24 * len(rows)) if few else 340,
            barmode="overlay",
            xaxis=axis(
                "% of the window seen" if few else "map", **({"range": [0, 118]} if few else {})
            ),
            yaxis=axis("" if few else "% seen", **(_upside_down(ticks) if few else {})),
        ),
        folded=worst.coverage == 1,
    )


def _upside_down(ticks: dict[str, Any]) -> dict[str, Any]:
    return {"autorange": "reversed", **ticks}


def _described(reads: str) -> str:
    return "the input" if reads == "input" else f"the map of {_format.safe_label(reads)}"


def _streams(row: Any) -> str:
    if row.streams is None:
        return "streams unknown"
    most = max(row.streams, default=0)
    if most == 0:
        return "no two outputs share anything"
    return "one network" if most == 1 else f"{most} interleaved networks per axis"


def _bars(rows: list[Any]) -> list[dict[str, Any]]:
    places = list(enumerate(rows))
    full = [(place, row) for place, row in places if row.coverage == 1]
    holed = [(place, row) for place, row in places if row.coverage < 1]
    traces = [("without holes", full, _FULL), ("with holes", holed, _HOLED)]
    return [_bar(name, chosen, look) for name, chosen, look in traces if chosen]


def _bar(name: str, rows: list[tuple[int, Any]], look: Look) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "showlegend": True,
        "x": [100 * row.coverage for _, row in rows],
        "y": [place for place, _ in rows],
        "text": [f"{_format.percent(row.coverage)}%" for _, row in rows],
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": [_hover(row) for _, row in rows],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"color": look.color, "pattern": pattern(look)},
    }


def _line(rows: list[Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(range(len(rows))),
        "y": [100 * row.coverage for row in rows],
        "customdata": [_hover(row) for row in rows],
        "hovertemplate": "%{customdata}<extra></extra>",
        "line": {"color": _HOLED.color, "shape": "hvh"},
    }


def _hover(row: Any) -> str:
    window = _format.cell(row.hull, "extent")
    seen = f"{_format.percent(row.coverage)}% of its {window} window"
    return f"{label(row.reads)}, through {label(row.through)}: {seen}; {_streams(row)}"


CHART = Chart(
    name="maps",
    summary="coverage of the input and of every map within",
    chapter="rf",
    order=40,
    lead=4,
    draw=draw,
)
