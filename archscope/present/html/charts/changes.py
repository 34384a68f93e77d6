"""Two or more networks, part by part: what each part holds and does in every one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, section
from archscope.present.html.charts._style import axis, figure, label, look
from archscope.present.html.words import short, the_part
from archscope.results import Report
from archscope.studies.compare.sides import Side, inputs_said
from archscope.studies.names import short_names

_MEASURES = (("params", "parameters", ("trainable", "frozen")), ("flops", "FLOPs", ("flops",)))


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw a dumbbell for each component: a marker per network, a bar between them."""
    if len(reports) == 1:
        yield from _of_comparison(reports[0])
        return
    tables = [_rows(report) for report in reports]
    parts = list(dict.fromkeys(name for rows in tables for name in rows))
    if sum(map(bool, tables)) < 2:
        return
    names = short_names(reports)
    inputs = [inputs_said(Side(name=report.title, report=report)) for report in reports]
    for key, words, fields in _MEASURES:
        values = [[_sum(rows.get(name), fields) for name in parts] for rows in tables]
        yield from _dumbbells(key, words, parts, values, names, inputs)


def _of_comparison(report: Report) -> Iterator[Drawing]:
    """Draw the same of networks that stand side by side in one report."""
    found, networks = section(report, "compare.components"), report.find("compare.networks")
    if found is None or networks is None:
        return
    names = tuple(row.name for row in networks.rows)
    inputs = [row.inputs for row in networks.rows]
    parts = [row.part for row in found.rows]
    for key, words, _ in _MEASURES:
        values = [[getattr(row, key)[k] or 0 for row in found.rows] for k in range(len(names))]
        yield from _dumbbells(key, words, parts, values, names, inputs)


def _dumbbells(
    key: str,
    words: str,
    parts: list[str],
    values: list[list[int]],
    names: tuple[str, ...],
    inputs: list[str],
) -> Iterator[Drawing]:
    """Yield one measure of the parts that have any, where networks differ in it."""
    shown = [i for i in range(len(parts)) if any(each[i] for each in values)]
    if shown and any(each != values[0] for each in values):
        picked = [[each[i] for i in shown] for each in values]
        drawing = _drawing(key, words, [parts[i] for i in shown], picked, names)
        alike = key == "params" or len(set(inputs)) < 2
        yield drawing if alike else replace(drawing, caption=_of_other_inputs(names, inputs))


def _rows(report: Report) -> dict[str, Any]:
    found = section(report, "params.components")
    return {} if found is None else {row.component: row for row in found.rows}


def _sum(row: Any, fields: tuple[str, ...]) -> int:
    return 0 if row is None else sum(getattr(row, field) or 0 for field in fields)


def _drawing(
    key: str, words: str, parts: list[str], values: list[list[int]], names: tuple[str, ...]
) -> Drawing:
    labels = [label(short(part)) for part in parts]
    title = f"{words[0].upper()}{words[1:]}"
    bars: list[float | None] = []
    rows: list[str | None] = []
    for index, text in enumerate(labels):
        column = [each[index] for each in values]
        bars += [min(column), max(column), None]
        rows += [text, text, None]
    between = {
        "type": "scatter",
        "mode": "lines",
        "x": bars,
        "y": rows,
        "hoverinfo": "skip",
        "showlegend": False,
        "line": {"width": 3, "color": "#999999"},
    }
    dots = [_dots(number, name, labels, values[number]) for number, name in enumerate(names)]
    return Drawing(
        name=f"changes-{key}",
        title=f"{title}, part by part",
        caption=_caption(words, parts, values, names),
        figure=figure(
            [between, *dots],
            height=130 + 44 * len(parts),
            xaxis=axis(title, rangemode="tozero", exponentformat="SI"),
            yaxis=axis(autorange="reversed", type="category"),
        ),
    )


def _dots(number: int, name: str, labels: list[str], values: list[int]) -> dict[str, Any]:
    chosen = look(number)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(name),
        "x": values,
        "y": labels,
        "customdata": [f"{label(name)}: {_format.si(value)}" for value in values],
        "hovertemplate": "%{y}, %{customdata}<extra></extra>",
        "cliponaxis": False,
        "marker": {"color": chosen.color, "symbol": chosen.symbol, "size": 12},
    }


def _caption(words: str, parts: list[str], values: list[list[int]], names: tuple[str, ...]) -> str:
    first, last = values[0], values[-1]
    moved = max(range(len(parts)), key=lambda i: abs(last[i] - first[i]))
    if first[moved] == last[moved]:
        return f"The {words} of each part are the same in the first and the last network."
    return (
        f"The largest change from {_format.safe_label(names[0])} to "
        f"{_format.safe_label(names[-1])}: {_format.safe_label(the_part(parts[moved]))}, "
        f"{_format.si(first[moved])} to {_format.si(last[moved])} {words}."
    )


def _of_other_inputs(names: tuple[str, ...], inputs: list[str]) -> str:
    """Say what each network was called with, which is why its work is another one."""
    each = (f"{name} {given}" for name, given in zip(names, inputs, strict=True) if given)
    return f"Inputs differ: {_format.safe_label(', '.join(each))}."


CHART = Chart(
    name="changes",
    summary="each part of several networks, part by part",
    chapter="together",
    order=20,
    lead=1,
    draw=draw,
)
