"""How the receptive field grows from layer to layer, against the size of the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import MOST_POINTS, Chart, Drawing, section
from archscope.present.html.charts._style import axis, figure, label, look
from archscope.results import Report
from archscope.studies.names import short_names

_LOG_FROM = 200
"""Ratio of the largest to the smallest receptive field from which the axis is logarithmic."""


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw a line for each report whose receptive field grows."""
    lines = []
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        rows = _rows(report)
        if rows:
            lines.append((number, name, rows))
    if not lines:
        return
    sizes = {size for report in reports if (size := _input_size(report))}
    fields = [_sees(row) for _, _, rows in lines for row in rows]
    top = max(fields)
    shown = sorted(size for size in sizes if size <= 4 * top)
    longest = max((rows for _, _, rows in lines), key=len)
    alike = len({tuple(row.layer for row in rows) for _, _, rows in lines}) == 1
    yield Drawing(
        name="growth",
        title="Receptive field, layer by layer",
        caption=_caption(lines, sizes),
        figure=figure(
            [_trace(number, name, rows) for number, name, rows in lines],
            xaxis=axis("layer", **_ticks(longest, named=alike)),
            yaxis=axis(
                "positions seen",
                **(
                    {"type": "log", "dtick": 1}
                    if top >= _LOG_FROM * min(fields)
                    else {"rangemode": "tozero"}
                ),
            ),
            showlegend=len(lines) > 1,
            shapes=[_level(size) for size in shown],
            annotations=[_level_name(size, top, min(fields)) for size in shown],
        ),
        wide=len(longest) > MOST_POINTS,
    )


def _rows(report: Report) -> list[Any]:
    """Return the layers whose outputs see more and more, of one path and one input.

    Of modules those that a table shows, and with what they see without reductions over all
    positions; those of which nothing is left then, as a gate's, are left out.
    """
    found = section(report, "rf.layers")
    if found is None or section(report, "rf.branches"):
        return []
    is_left = any(row.local_field for row in found.rows)
    rows = [
        row
        for row in found.rows
        if row.listed
        and _sees(row)
        and (row.local_field or not (is_left and row.global_by))
        and row.of == found.rows[-1].of
    ]
    return rows if len({_sees(row) for row in rows}) > 1 else []


def _sees(row: Any) -> int:
    """Return the positions that an output sees along the axis on which it sees most."""
    return max(row.local_field or row.receptive_field, default=0)


def _input_size(report: Report) -> int | None:
    size = report.config.get("input_size")
    if isinstance(size, int):
        return size
    totals = report.totals_of("rf.layers")
    studied, axes = (getattr(totals, name, None) for name in ("of_input", "position_axes"))
    shapes = [each.shape for each in report.inputs if studied in (None, each.name)]
    if not shapes:
        return None
    # The operators know which axes they are: (B, T, C) too.
    sizes = [shapes[0][axis] for axis in axes] if axes else shapes[0][-1:]
    return max(sizes) if axes or len(shapes[0]) > 2 else None


def _trace(number: int, name: str, rows: list[Any]) -> dict[str, Any]:
    chosen = look(number)
    few = len(rows) <= MOST_POINTS
    return {
        "type": "scatter",
        "mode": "lines+markers" if few else "lines",
        "name": label(name or "receptive field"),
        "x": list(range(1, len(rows) + 1)),
        "y": [_sees(row) for row in rows],
        "customdata": [_hover(row) for row in rows],
        "hovertemplate": "%{customdata}<extra></extra>",
        "line": {"color": chosen.color, "dash": chosen.dash, "width": 2},
        "marker": {"color": chosen.color, "symbol": chosen.symbol, "size": 9},
    }


def _hover(row: Any) -> str:
    told = ""
    if row.kernel is not None:
        kernel = _format.cell(row.kernel, "number") if row.kernel else "all"
        told = f"; kernel {kernel}, dilation {_format.cell(row.dilation, 'number')}"
    because = f"; all, from {label(row.global_by)} on" if row.global_by else ""
    return f"{label(row.layer)}: sees {_format.integer(_sees(row))}{told}{because}"


def _ticks(rows: list[Any], *, named: bool) -> dict[str, Any]:
    """Return a name for each layer, or its number where networks name them differently."""
    if len(rows) > 24 or not named:
        return {"tickformat": "d"}
    return {
        "range": [0.7, len(rows) + 0.3],
        "tickvals": list(range(1, len(rows) + 1)),
        "ticktext": [label(row.layer, 18) for row in rows],
    }


def _level(size: int) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": size,
        "y1": size,
        "line": {"dash": "dot", "width": 2, "color": "#999999"},
    }


def _level_name(size: int, top: int, low: int) -> dict[str, Any]:
    from math import log10

    return {
        "xref": "paper",
        "x": 0,
        "y": log10(size) if top >= _LOG_FROM * low else size,
        "text": f"whole input: {_format.integer(size)}",
        "showarrow": False,
        "xanchor": "left",
        "yanchor": "bottom",
    }


def _widening(rows: list[Any]) -> str:
    """Return how many layers let an output see more than all before them."""
    seen = [1, *accumulate(map(_sees, rows), max)]
    number = sum(later > earlier for earlier, later in pairwise(seen))
    return "1 layer that widens it" if number == 1 else f"{number} layers that widen it"


def _caption(lines: list[tuple[int, str, list[Any]]], sizes: set[int]) -> str:
    said = [
        f"{_format.safe_label(name)}: " * bool(name)
        + f"{_format.integer(_sees(rows[-1]))} after {_widening(rows)}"
        for _, name, rows in lines
    ]
    made = dict.fromkeys(row.global_by for _, _, rows in lines for row in rows if row.global_by)
    without = (
        f" From {', '.join(map(_format.safe_label, made))} on every output sees the whole input; "
        "the line continues with what it sees without them."
        if made
        else ""
    )
    whole = f" The input has {_format.integer(max(sizes))} positions." if len(sizes) == 1 else ""
    return f"Input positions that one output sees along an axis. {'; '.join(said)}.{without}{whole}"


CHART = Chart(
    name="growth",
    summary="the receptive field after each layer",
    chapter="rf",
    order=10,
    lead=2,
    draw=draw,
)
