"""The number of paths from each position along one axis to one output; holes are marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log10
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, of_network, section
from archscope.present.html.charts._profiles import Profile, profiles
from archscope.present.html.charts._style import HOLE, axis, figure, label, look, pattern
from archscope.results import Report
from archscope.studies.names import short_names

_BARS = 130
"""Positions up to which each has a bar of its own."""
_DECADES = 3
"""Range of path counts beyond which the axis is logarithmic."""


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw the path counts of each report, of the input and of the map within seen worst."""
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        for profile in profiles(report):
            if len(profile.counts) > 1:
                end = f"-{number}" if name else ""
                made = _drawing(profile, name, end, _together(report))
                yield from of_network([made], number, name)


def _together(report: Report) -> str:
    return " of all branches together" if section(report, "rf.branches") else ""


def _drawing(profile: Profile, name: str, end: str, whose_paths: str) -> Drawing:
    counts = profile.counts
    reached = sum(1 for count in counts if count)
    words = _format.safe_label(profile.map)
    whose = f", {_format.safe_label(name)}" if name else ""
    holes = " Orange crosses are holes: never seen." if reached < len(counts) else ""
    few = len(counts) <= _BARS
    wide = max(counts) > 10**_DECADES * min(count for count in counts if count)
    return Drawing(
        name=f"{'paths-within' if profile.worst else 'paths'}{end}",
        title=f"Paths{whose_paths} from {words}{whose}",
        caption=f"Along one axis, {reached:,} of {len(counts):,} positions of {words} reach one "
        f"output; fewest paths {_format.power(min(counts))}, most {_format.power(max(counts))}."
        + holes,
        figure=figure(
            _traces(profile, few=few, wide=wide),
            height=300,
            bargap=0.15,
            xaxis=axis("position"),
            yaxis=axis(
                "paths, as a power of 10" if wide else "paths",
                **({} if wide else {"rangemode": "tozero"}),
            ),
            showlegend=False,
        ),
        wide=not few,
    )


def _traces(profile: Profile, *, few: bool, wide: bool) -> list[dict[str, Any]]:
    counts = profile.counts
    places = [profile.start + index for index in range(len(counts))]
    heights = [(log10(count) if count else None) if wide else float(count) for count in counts]
    if wide and few:  # a bar for a single path needs some height
        heights = [None if height is None else height + 0.05 for height in heights]
    shown = {
        "name": "paths",
        "x": places,
        "y": heights,
        "customdata": [_format.power(count) for count in counts],
        "hovertemplate": "position %{x}: %{customdata} paths<extra></extra>",
    }
    holes = [place for place, count in zip(places, counts, strict=True) if not count]
    traces = [_bars(shown) if few else _line(shown)]
    return [*traces, _crosses(holes, len(counts))] if holes else traces


def _bars(shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "bar",
        **shown,
        "marker": {"color": look(0).color, "pattern": pattern(look(0))},
    }


def _line(shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        **shown,
        "fill": "tozeroy",
        "connectgaps": False,
        "line": {"color": look(0).color, "width": 1, "shape": "hvh"},
    }


def _crosses(holes: list[int], size: int) -> dict[str, Any]:
    if size > _BARS:  # one line with a gap between holes, not an element for each
        gaps: list[int | None] = []
        for place in holes:
            gaps += [place, place + 1, None]
        return {
            "type": "scatter",
            "mode": "lines",
            "name": label("never seen"),
            "x": gaps,
            "y": [None if place is None else 0 for place in gaps],
            "hoverinfo": "skip",
            "line": {"color": HOLE, "width": 5},
        }
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "never seen",
        "x": holes,
        "y": [0] * len(holes),
        "hovertemplate": "position %{x}: never seen<extra></extra>",
        "cliponaxis": False,
        "marker": {"symbol": "x-thin", "size": 8, "line": {"width": 2, "color": HOLE}},
    }


CHART = Chart(
    name="paths",
    summary="paths from each position along one axis, holes marked",
    chapter="rf",
    order=30,
    lead=3,
    draw=draw,
)
