"""What moves an output, measured by gradients, inside of what may move it in theory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import ceil, log10
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, of_network, section
from archscope.present.html.charts._style import LOOKS, THEORY, axis, figure
from archscope.records import frozen
from archscope.results import Report
from archscope.studies.names import short_names

_SHARE = 0.95
"""Share of the mass inside the contour."""
_DECADES = 4
"""Powers of ten below the peak that have colours of their own."""
_THEORY, _CONTOUR = THEORY.color, LOOKS[5].color


@frozen
class _Map:
    """The gradients of one unit, as a share of the largest, in powers of ten."""

    levels: list[list[float | None]]
    """A list per line; None: no gradient at all."""
    starts: tuple[int, ...]
    """First position of the first cell along each drawn axis."""
    step: int
    """Positions of a cell along each axis."""
    contour: float
    """Level above which the share of the mass lies."""

    @property
    def bottom(self) -> int:
        """Level of the darkest colour, four powers of ten below the peak or a multiple of that."""
        return -_DECADES * ceil(max(1, (1 - self.contour) / _DECADES))

    def places(self, drawn: int) -> tuple[float, int]:
        """Return the middle of the first cell along one drawn axis, and the step to the next."""
        return self.starts[drawn] + (self.step - 1) / 2, self.step


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw the gradients of each report that measured them."""
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        rows = section(report, "rf.erf")
        found = section(report, "rf.gradients")
        if rows is None or found is None:
            continue
        whose, end = (f", {_format.safe_label(name)}" if name else ""), f"-{number}" * bool(name)
        yield from of_network(
            [_drawn(_map(found.rows), rows.rows, rows.totals, whose, end)], number, name
        )


def _map(rows: Sequence[Any]) -> _Map:
    peak = max(max(row.density) for row in rows)
    levels = [
        [round(log10(each / peak), 2) if each else None for each in row.density] for row in rows
    ]
    return _Map(
        levels=levels,
        starts=(rows[0].start,) if rows[0].line is None else (rows[0].line, rows[0].start),
        step=rows[0].step,
        contour=_contour([each for line in levels for each in line if each is not None]),
    )


def _contour(levels: Sequence[float]) -> float:
    """Return the level between the cells that hold the share and the densest of the others."""
    falling = sorted(levels, reverse=True)
    sums = list(accumulate(10**level for level in falling))
    lowest = next(
        level for level, held in zip(falling, sums, strict=True) if held >= _SHARE * sums[-1]
    )
    after = next((level for level in falling if level < lowest), lowest - 0.2)
    return (lowest + after) / 2


def _drawn(found: _Map, rows: Sequence[Any], how: Any, whose: str, end: str) -> Drawing:
    flat = len(found.starts) == 1
    return Drawing(
        name=f"erf{end}",
        title=f"Effective receptive field, measured{whose}",
        caption=_caption(found, rows, how),
        figure=_profile(found, how) if flat else _heat(found, how),
    )


def _caption(found: _Map, rows: Sequence[Any], how: Any) -> str:
    images = "1 image" if how.images == 1 else f"{how.images:,} images"
    weights = "its own weights" if how.weights == "its own" else f"weights {how.weights}"
    unit = ",".join(map(str, how.unit))
    said = [
        f"How much each position moves {f'unit {unit}' if unit else 'all units'} of "
        f"{_format.safe_label(how.output)}: |gradient| summed over channels, averaged over "
        f"{images} ({_format.safe_label(how.kind)}; {weights}), beside the largest.",
        _of_theory(how, flat=len(found.starts) == 1),
    ]
    inside = next((row.of_field for row in rows if row.measure == "contour"), None)
    if inside is not None:
        said.append(
            f"{_SHARE:.0%} of the mass lies within {_format.percent(inside)}% of "
            "the positions that it sees: "
            + ("above the dotted line." if len(found.starts) == 1 else "inside the contour.")
        )
    if found.step > 1:
        cell = "×".join([str(found.step)] * len(found.starts))
        said.append(f"Each cell is the mean of {cell} positions.")
    if len(how.axes) > 2:
        summed = ", ".join(map(str, how.axes[:-2]))
        said.append(
            f"Summed over axis {summed}; the map is of axes {how.axes[-2]}, {how.axes[-1]}."
        )
    return " ".join(said)


def _of_theory(how: Any, *, flat: bool) -> str:
    first, last = _window(how)
    sizes = "×".join(f"{b - a + 1:,}" for a, b in zip(first, last, strict=True))
    shape = "dashed lines are" if flat else "dashed square is"
    if how.local_first is None:
        return f"The {shape} its theoretical receptive field, {sizes}."
    return (
        "In theory it sees the whole input; "
        f"the {shape} what it sees without reductions over all positions, {sizes}."
    )


def _window(how: Any) -> tuple[Sequence[int], Sequence[int]]:
    """Return what it sees in theory, without reductions over all positions where there are any."""
    return (how.local_first or how.first), (how.local_last or how.last)


def _heat(found: _Map, how: Any) -> dict[str, Any]:
    (y0, dy), (x0, dx) = found.places(0), found.places(1)
    grid = {"x0": x0, "dx": dx, "y0": y0, "dy": dy}
    square = {"scaleanchor": "x", "constrain": "domain", "autorange": "reversed"}
    plain = {"showgrid": False, "zeroline": False}
    return figure(
        [_heatmap(found, grid), _contour_line(found, grid), _square(how)],
        height=480,
        xaxis=axis("column", constrain="domain", **plain),
        yaxis=axis("row", **plain, **square),
        showlegend=True,
    )


def _heatmap(found: _Map, grid: dict[str, float]) -> dict[str, Any]:
    """Return the map of gradients, in powers of ten."""
    return {
        "type": "heatmap",
        **grid,
        "z": found.levels,
        "zmin": found.bottom,
        "zmax": 0,
        "colorscale": "Cividis",
        "colorbar": {
            "title": {"text": "of the largest", "side": "top"},
            "orientation": "h",
            "y": -0.24,
            "yanchor": "top",
            "len": 0.85,
            "thickness": 12,
            **_powers(found),
        },
        "hoverongaps": False,
        "hovertemplate": "row %{y}, column %{x}: 10^%{z:.1f} of the largest<extra></extra>",
        "showlegend": False,
    }


def _contour_line(found: _Map, grid: dict[str, float]) -> dict[str, Any]:
    """Return the line around the most gradients."""
    lowest = found.bottom
    return {
        "type": "contour",
        **grid,
        "name": f"{_SHARE:.0%} of the mass",
        "z": [[lowest if c is None else max(c, lowest) for c in row] for row in found.levels],
        "autocontour": False,
        "contours": {"start": found.contour, "end": found.contour, "size": 1, "coloring": "none"},
        "line": {"color": _CONTOUR, "width": 2, "smoothing": 0},
        "showscale": False,
        "showlegend": True,
        "hoverinfo": "skip",
    }


def _powers(found: _Map) -> dict[str, Any]:
    """Return ticks at the powers of ten, the lowest for all that is less too."""
    steps = range(found.bottom, 1, 1 if found.bottom == -_DECADES else _DECADES)
    names = ["1" if step == 0 else f"1/{10**-step:,}" for step in steps]
    return {"tickvals": list(steps), "ticktext": [f"≤{names[0]}", *names[1:]]}


def _square(how: Any) -> dict[str, Any]:
    first, last = _window(how)
    (top, left), (bottom, right) = first[-2:], last[-2:]
    x = [left - 0.5, right + 0.5, right + 0.5, left - 0.5, left - 0.5]
    y = [top - 0.5, top - 0.5, bottom + 0.5, bottom + 0.5, top - 0.5]
    return _stroke("in theory", x, y, _THEORY, "dash")


def _profile(found: _Map, how: Any) -> dict[str, Any]:
    x0, dx = found.places(0)
    line = found.levels[0]
    ends = [x0 - 0.5, x0 + dx * len(line) - 0.5]
    first, last = _window(how)
    low, high = first[-1] - 0.5, last[-1] + 0.5
    return figure(
        [
            {
                "type": "scatter",
                "mode": "lines",
                "name": "|gradient|",
                "x0": x0,
                "dx": dx,
                "y": [None if each is None else max(each, found.bottom) for each in line],
                "hovertemplate": "position %{x}: 10^%{y:.1f} of the largest<extra></extra>",
                "line": {"color": LOOKS[0].color, "width": 2, "shape": "hvh"},
            },
            _stroke(f"{_SHARE:.0%} lies above", ends, [found.contour] * 2, _CONTOUR, "dot"),
            _stroke(
                "in theory",
                [low, low, None, high, high],
                [found.bottom, 0, None, found.bottom, 0],
                _THEORY,
                "dash",
            ),
        ],
        xaxis=axis("position", zeroline=False),
        yaxis=axis("of the largest", zeroline=False, **_powers(found)),
        showlegend=True,
    )


def _stroke(name: str, x: list[Any], y: list[Any], color: str, dash: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": y,
        "line": {"color": color, "dash": dash, "width": 2},
        "hoverinfo": "skip",
    }


CHART = Chart(
    name="erf",
    summary="what moves an output, measured by gradients, and what may in theory",
    chapter="rf",
    order=50,
    draw=draw,
)
