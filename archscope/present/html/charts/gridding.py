"""What one output sees in two dimensions: the paths from each position, and the holes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log10
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import SEEN, Chart, Drawing, of_network, section
from archscope.present.html.charts._profiles import (
    MOST_CELLS,
    Profile,
    branches,
    paths_at,
    profiles,
)
from archscope.present.html.charts._style import HOLE, axis, figure
from archscope.results import Report
from archscope.studies.names import short_names

MOST_NUMBERS = 21
"""Positions along an axis up to which each cell has its number, and each hole its cross."""
_MOST_UNION = 65
"""Positions along an axis up to which parallel branches are drawn: their cells are sent singly."""
_DECADES = 3
"""Range of path counts beyond which colours are logarithmic."""
_LONGEST_NUMBER = 5
"""Digits of a number that fits into a cell."""


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw a map for each network of two or more dimensions."""
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        seen = report.totals_of(*SEEN)
        end = f"-{number}" if name else ""
        if seen is None or seen.axes < 2:
            continue
        if section(report, "rf.branches"):
            yield from of_network(_union(report, name, end), number, name)
            continue
        for profile in profiles(report):
            if 1 < len(profile.counts) <= MOST_CELLS:
                yield from of_network([_product(profile, name, end)], number, name)


def _product(profile: Profile, name: str, end: str) -> Drawing:
    """Draw a single path, whose axes are alike and independent."""
    size = len(profile.counts)
    if size <= MOST_NUMBERS:
        cells = [[a * b for b in profile.counts] for a in profile.counts]
        data = _written(_places(profile), cells)
    else:
        data = _large(profile)
    return _drawing(
        data,
        name=f"{'within' if profile.worst else 'gridding'}{end}",
        map_name=profile.map,
        network=name,
        reached=sum(1 for count in profile.counts if count) ** 2,
        size=size,
    )


def _union(report: Report, name: str, end: str) -> Iterator[Drawing]:
    """Draw parallel branches: what they see together is no product of axes."""
    found = branches(report)
    first = min((start for start, _ in found), default=0)
    last = max((start + len(counts) for start, counts in found), default=0)
    places = range(first, last)
    if not 1 < len(places) <= _MOST_UNION:
        return
    cells = [[sum(paths_at(b, x) * paths_at(b, y) for b in found) for x in places] for y in places]
    yield _drawing(
        _written(list(places), cells),
        name=f"gridding{end}",
        map_name="the input",
        network=name,
        reached=sum(1 for row in cells for cell in row if cell),
        size=len(places),
    )


def _drawing(
    data: list[dict[str, Any]],
    *,
    name: str,
    map_name: str,
    network: str,
    reached: int,
    size: int,
) -> Drawing:
    words = _format.safe_label(map_name)
    whose = f", {_format.safe_label(network)}" if network else ""
    share = _format.percent(reached, size * size)
    marks, told = ("cells", "Colour") if size > MOST_NUMBERS else ("crosses", "Colour and number")
    holes = f" Orange {marks} are holes: never seen." if reached < size * size else ""
    square = {"scaleanchor": "x", "constrain": "domain", "autorange": "reversed"}
    return Drawing(
        name=name,
        title=f"What one output sees of {words}{whose}",
        caption=f"{reached:,} of {size * size:,} positions ({share}%) of {words} reach one "
        f"output.{holes} {told}: paths from there to the output.",
        figure=figure(
            data,
            height=430,
            xaxis=axis("column", constrain="domain", showgrid=False, zeroline=False),
            yaxis=axis("row", showgrid=False, zeroline=False, **square),
            showlegend=False,
        ),
    )


def _written(places: list[int], cells: list[list[int]]) -> list[dict[str, Any]]:
    """Return a map cell by cell: a number in each and a cross on each hole, while there is room."""
    counts = sorted({cell for row in cells for cell in row if cell})
    wide = counts[-1] > 10**_DECADES * counts[0]
    heat = {
        "type": "heatmap",
        "x": places,
        "y": places,
        "z": [[_level(cell, wide) for cell in row] for row in cells],
        "customdata": [[_format.power(cell) for cell in row] for row in cells],
        "hovertemplate": "row %{y}, column %{x}: %{customdata} paths<extra></extra>",
        **_colors(wide),
        "showscale": len(counts) > 1,  # a scale of one number says nothing
    }
    few = len(places) <= MOST_NUMBERS
    if few and counts[-1] < 10**_LONGEST_NUMBER:
        heat["text"] = [[str(cell) if cell else "" for cell in row] for row in cells]
        heat["texttemplate"] = "%{text}"
        if counts[-1] >= 10:  # plotly looks whether one digit fits
            heat["textfont"] = {"size": 9}
    holes = [
        (x, y)
        for y, row in zip(places, cells, strict=True)
        for x, cell in zip(places, row, strict=True)
        if not cell
    ]
    if not holes:
        return [heat]
    return [heat, _crosses(holes, len(places)) if few else _orange(places, cells)]


def _orange(places: list[int], cells: list[list[int]]) -> dict[str, Any]:
    return {**_hole_cells(places), "z": [[None if cell else 1 for cell in row] for row in cells]}


def _hole_cells(places: list[int]) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "name": "never seen",
        "x": places,
        "y": places,
        "hovertemplate": "row %{y}, column %{x}: never seen<extra></extra>",
        "colorscale": [[0, HOLE], [1, HOLE]],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
    }


def _crosses(holes: list[tuple[int, int]], size: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "never seen",
        "x": [x for x, _ in holes],
        "y": [y for _, y in holes],
        "hoverinfo": "skip",
        "marker": {
            "symbol": "x-thin",
            "size": 9 if size <= 15 else 6,
            "line": {"width": 2, "color": HOLE},
        },
    }


def _large(profile: Profile) -> list[dict[str, Any]]:
    """Return a map whose cells are multiplied out from its profile where it is drawn."""
    places, wide = _places(profile), _is_wide(profile.counts)
    heat = {
        "type": "heatmap",
        "x": places,
        "y": places,
        "outer": [_level(count, wide) for count in profile.counts],
        "log": wide,
        "hovertemplate": "row %{y}, column %{x}<extra></extra>",
        **_colors(wide),
        "showscale": len({count for count in profile.counts if count}) > 1,
    }
    if all(profile.counts):
        return [heat]
    holes = {**_hole_cells(places), "holes": [1 if count else 0 for count in profile.counts]}
    return [heat, holes]


def multiplied(trace: dict[str, Any]) -> dict[str, Any]:
    """Return a trace with its cells written out; the page's script does the same.

    >>> multiplied({"outer": [1, None], "log": False})
    {'z': [[1, None], [None, None]]}
    """
    trace = dict(trace)
    if "outer" in trace:
        values, log = trace.pop("outer"), trace.pop("log")
        trace["z"] = [
            [None if a is None or b is None else a + b if log else a * b for b in values]
            for a in values
        ]
    if "holes" in trace:
        seen = trace.pop("holes")
        trace["z"] = [[None if a and b else 1 for b in seen] for a in seen]
    return trace


def _places(profile: Profile) -> list[int]:
    return [profile.start + index for index in range(len(profile.counts))]


def _is_wide(counts: Sequence[int]) -> bool:
    smallest = min(count for count in counts if count)
    return bool(max(counts) ** 2 > 10**_DECADES * smallest**2)


def _level(count: int, wide: bool) -> float | None:
    if not count:
        return None
    return round(log10(count), 4) if wide else count


def _colors(wide: bool) -> dict[str, Any]:
    title = "paths, as a power of 10" if wide else "paths"
    return {
        "colorscale": "Cividis",
        "colorbar": {"title": {"text": title, "side": "right"}, "thickness": 12, "len": 0.9},
        "hoverongaps": False,
        "xgap": 1,
        "ygap": 1,
    }


CHART = Chart(
    name="gridding",
    summary="the map of what one output sees, holes marked",
    chapter="rf",
    order=20,
    lead=1,
    draw=draw,
)
