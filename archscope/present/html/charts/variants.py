"""The variants of a sweep: two of their numbers against each other, and all side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import log10
from typing import Any

from archscope.columns import Column, columns
from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, section
from archscope.present.html.charts._style import axis, figure, label, look
from archscope.records import frozen
from archscope.results import Report, Section

_MOST_COLOURS = 8
"""Values of an axis up to which each has a look of its own; beyond, colour is a scale."""
_MOST_LINES = 4
"""Lines of equal ratio."""
_WIDE = 20
"""How many times the smallest the largest number is, from which on an axis counts by powers."""
_RATIO_STEPS = (1, 2, 5)


@frozen
class _Drawn:
    """What is drawn against what."""

    x: Column
    y: Column
    colour: Column | None
    joined: bool
    """Whether the front is one of these two numbers, so that a line can join it."""


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw the variants of each sweep, with its Pareto front where that was asked for."""
    for number, report in enumerate(reports):
        found = section(report, "sweep.variants")
        if found is None:
            continue
        end = f"-{number}" if len(reports) > 1 else ""
        chosen = _chosen(report, found)
        rows = [] if chosen is None else _known(found, chosen.x, chosen.y)
        if chosen is not None and len(rows) > 1:
            yield _scatter(chosen, rows, len(found.rows), end)
        if parallel := _parallel(found, end):
            yield parallel


def _chosen(report: Report, found: Section) -> _Drawn | None:
    """Return what the user asked to be drawn, else the first two numbers by the first axis."""
    named = {column.name: column for column in columns(found.row_type)}
    best = _words(report.config.get("pareto"))
    words = _words(report.config.get("plot")) or best[:2]
    asked = [named[name] for name in words if name in named]
    axes = [named[name] for name in _axes(report) if name in named]
    numbers = [column for column in named.values() if column.bound]
    usual = [column for column in numbers if len(_known(found, column, column)) > 1]
    pair = asked[:2] if len(asked) > 1 else usual[:2]
    if len(pair) < 2:
        return None
    x, y = pair
    colour = next(iter(asked[2:] or axes), None)
    return _Drawn(x=x, y=y, colour=colour, joined={x.name, y.name} == {*best})


def _words(said: Any) -> list[str]:
    """Return names that a config holds, which may come out of a file."""
    return [str(name) for name in said] if isinstance(said, list | tuple) else []


def _axes(report: Report) -> Sequence[str]:
    axes = report.config.get("axes", {})
    return [str(name) for name in axes] if isinstance(axes, Mapping) else []


def _known(found: Section, *wanted: Column) -> list[Any]:
    """Return the rows of which these numbers are known exactly."""
    return [row for row in found.rows if all(_number(row, column) is not None for column in wanted)]


def _number(row: Any, column: Column) -> float | None:
    """Return a cell as one number, the largest of several axes; None where it is none."""
    if column.bound and getattr(row, column.bound) != "exact":
        return None
    value = getattr(row, column.name)
    value = max(value, default=None) if isinstance(value, tuple) else value
    return value if isinstance(value, int | float) else None


def _scatter(drawn: _Drawn, rows: list[Any], total: int, end: str) -> Drawing:
    traces = [*_ratios(drawn, rows), *_points(drawn, rows), *_front(drawn, rows)]
    x, y = _title(drawn.x), _title(drawn.y)
    by = f", by {_title(drawn.colour)}" if drawn.colour else ""
    best = sum(bool(row.pareto) for row in rows)
    said = f" {best:,} of them on the Pareto front, with a ring around them." if best else ""
    less = f" ({total - len(rows):,} whose numbers are not known exactly are left out.)"
    return Drawing(
        name=f"variants{end}",
        title=f"{y} against {x}",
        caption=f"{len(rows):,} variants: {y} against {x}{by}.{said}"
        + (less if len(rows) < total else ""),
        figure=figure(
            traces,
            height=440,
            xaxis=_scale(x, [_number(row, drawn.x) for row in rows]),
            yaxis=_scale(y, [_number(row, drawn.y) for row in rows]),
            showlegend=True,
        ),
        wide=True,
    )


def _title(column: Column) -> str:
    return label(column.title or column.name)


def _scale(title: str, values: Sequence[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    if min(known) > 0 and max(known) > _WIDE * min(known):
        return axis(title, type="log", exponentformat="SI")
    return axis(title, exponentformat="SI")


def _points(drawn: _Drawn, rows: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield the variants, those of one colour together."""
    by = drawn.colour
    values = [None if by is None else getattr(row, by.name) for row in rows]
    kinds = list(dict.fromkeys(values))
    if by is not None and len(kinds) > _MOST_COLOURS and all(map(_is_number, values)):
        marker = {
            "color": values,
            "colorscale": "Viridis",
            "showscale": True,
            "colorbar": {"title": {"text": _title(by)}},
            "size": 8,
        }
        yield _trace(drawn, rows, "variants", marker)
        return
    shown = kinds[: _MOST_COLOURS - 1] if len(kinds) > _MOST_COLOURS else kinds
    groups = [(kind, [r for r, v in zip(rows, values, strict=True) if v == kind]) for kind in shown]
    rest = [row for row, value in zip(rows, values, strict=True) if value not in shown]
    for number, (kind, members) in enumerate([*groups, *([("others", rest)] if rest else [])]):
        name = "variants" if by is None else f"{_title(by)} {label(kind, 24)}"
        marker = {"color": look(number).color, "symbol": look(number).symbol, "size": 8}
        yield _trace(drawn, members, name, marker)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _trace(drawn: _Drawn, rows: list[Any], name: str, marker: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [_number(row, drawn.x) for row in rows],
        "y": [_number(row, drawn.y) for row in rows],
        "customdata": [_hover(drawn, row) for row in rows],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": marker,
    }


def _hover(drawn: _Drawn, row: Any) -> str:
    numbers = (
        f"{_title(column)} {_format.cell(getattr(row, column.name), column.kind)}"
        for column in (drawn.x, drawn.y)
    )
    return f"{label(row.model, 90)}: {', '.join(numbers)}"


def _front(drawn: _Drawn, rows: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield the line that joins the variants on the Pareto front."""
    best = sorted(
        (_number(row, drawn.x) or 0, _number(row, drawn.y) or 0) for row in rows if row.pareto
    )
    if best:
        yield {
            "type": "scatter",
            "mode": "lines+markers" if drawn.joined else "markers",
            "name": "Pareto front",
            "x": [x for x, _ in best],
            "y": [y for _, y in best],
            "hoverinfo": "skip",
            "line": {"color": "#7a7f85", "width": 2},
            "marker": {"symbol": "circle-open", "size": 14, "color": "#7a7f85"},
        }


def _ratios(drawn: _Drawn, rows: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield lines on which both numbers grow alike, e.g. of equal MACs for each parameter."""
    points = [(_number(row, drawn.x) or 0, _number(row, drawn.y) or 0) for row in rows]
    if drawn.x.kind != "count" or drawn.y.kind != "count" or min(map(min, points)) <= 0:
        return
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    for ratio in _round_numbers([y / x for x, y in points]):
        yield {
            "type": "scatter",
            "mode": "lines",
            "name": f"{_format.si(ratio)} {_title(drawn.y)} a {_title(drawn.x).removesuffix('s')}",
            "x": [left, right],
            "y": [ratio * left, ratio * right],
            "hoverinfo": "skip",
            "line": {"color": "#9aa0a6", "width": 1, "dash": "dot"},
        }


def _round_numbers(values: Sequence[float]) -> list[float]:
    """Return a few round numbers between the smallest and the largest value."""
    powers = range(int(log10(min(values))) - 1, int(log10(max(values))) + 2)
    every = [step * 10.0**power for power in powers for step in _RATIO_STEPS]
    within = [number for number in every if min(values) < number < max(values)]
    stride = -(-len(within) // _MOST_LINES) or 1
    return within[::stride]


def _parallel(found: Section, end: str) -> Drawing | None:
    """Return parallel coordinates: a line for each variant, through all of its numbers."""
    wanted = [
        column for column in columns(found.row_type) if column.title and _varies(found, column)
    ]
    wanted = [column for column in wanted if column.name not in ("pareto", "holds", "reason")]
    numbers = [column for column in wanted if column.bound]
    rows = _known(found, *numbers)
    if len(wanted) < 3 or len(rows) < 2:
        return None
    best = [int(bool(row.pareto)) for row in rows]
    marked = any(best)
    first = [_number(row, numbers[0]) for row in rows] if numbers else best
    return Drawing(
        name=f"parallel{end}",
        title="All numbers side by side",
        caption=f"A line for each of {len(rows):,} variants"
        + (", those on the Pareto front in a brighter colour" if marked else "")
        + ". Drag along an axis to select the variants that pass through that range.",
        figure=figure(
            [
                {
                    "type": "parcoords",
                    "line": {
                        "color": best if marked else first,
                        "colorscale": [[0, "#9aa0a6"], [1, "#E69F00"]] if marked else "Viridis",
                    },
                    "dimensions": [_dimension(column, rows) for column in wanted],
                }
            ],
            height=420,
            margin={"l": 60, "r": 60, "t": 70, "b": 30},
        ),
        wide=True,
        folded=True,
    )


def _varies(found: Section, column: Column) -> bool:
    return len({getattr(row, column.name) for row in found.rows}) > 1


def _dimension(column: Column, rows: list[Any]) -> dict[str, Any]:
    numbers = [_number(row, column) for row in rows]
    if None not in numbers and not any(isinstance(getattr(r, column.name), bool) for r in rows):
        return {"label": _title(column), "values": numbers}
    words = list(dict.fromkeys(label(getattr(row, column.name), 16) for row in rows))
    return {
        "label": _title(column),
        "values": [words.index(label(getattr(row, column.name), 16)) for row in rows],
        "tickvals": list(range(len(words))),
        "ticktext": words,
    }


CHART = Chart(
    name="variants",
    summary="the variants of a sweep by two of their numbers, and by all of them",
    chapter="sweep",
    order=5,
    lead=1,
    draw=draw,
)
