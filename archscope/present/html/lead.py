"""The picture at the head of a page: where it goes, and what one output sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from archscope.present.html.charts import Chart, Drawing

Drawn = Sequence[tuple[Chart, Drawing]]
HEIGHT = 300
"""Pixels of a chart there, where one network has the page for itself."""
_TALLEST = 480
"""Pixels of a chart that still says the same when it is that much lower."""
_MOST = 2
"""Charts side by side."""
_FIRST, _SECOND, _LAST = "cost", "rf", "together"
"""The parts of a page that go first, and one that goes only where no other does; a second chart of
the first one fills in for others."""


def picture(drawn: Drawn, networks: int) -> tuple[Drawing, ...]:
    """Return the charts that stand under the numbers: the first of each part that leads.

    A part with a chart for each network has all of them, where these are few.
    """
    leading = sorted((each for each in drawn if each[0].lead), key=lambda each: each[0].lead)
    parts = sorted(
        {chart.chapter for chart, _ in leading},
        key=lambda part: (part != _FIRST, part != _SECOND, part),
    )
    found = [
        each
        for part in parts
        if part != _LAST or len(parts) == 1
        for each in _of_part(leading, part, networks)
    ]
    if networks == 1:
        found = found[:_MOST] or [each for _, each in leading if not each.folded][:1]
    if networks == 1 == len(found):
        found += [each for each in _charts(leading, parts[0]) if each not in found][:1]
    return tuple(replace(each, wide=False, figure=_lower(each, found, networks)) for each in found)


def _of_part(leading: Drawn, part: str, networks: int) -> list[Drawing]:
    charts = dict.fromkeys(chart.name for chart, _ in leading if chart.chapter == part)
    for name in charts:
        drawn = [d for chart, d in leading if chart.name == name and _fits(d, networks)]
        first = {each.network: each for each in reversed(drawn)}
        if None in first:
            return [first[None]]
        # What all of them cost is one chart's to say; what each sees is a map of its own.
        if part != _FIRST and len(first) == networks <= _MOST:
            return [first[number] for number in sorted(first, key=lambda n: n or 0)]
    return []


def _charts(leading: Drawn, part: str) -> Iterator[Drawing]:
    return (d for chart, d in leading if chart.chapter == part and _fits(d, 1))


def _fits(drawing: Drawing, networks: int) -> bool:
    return not drawing.folded and (networks > 1 or _height(drawing) <= _TALLEST)


def _height(drawing: Drawing) -> int:
    found: int = drawing.figure["layout"]["height"]
    return found


def _lower(drawing: Drawing, beside: Sequence[Drawing], networks: int) -> dict[str, object]:
    """Return a figure as low as it may be, and as high as what it stands beside."""
    figure = dict(drawing.figure)
    if _fits(drawing, networks) and (networks == 1 or drawing.network is not None):
        height = min(HEIGHT, max(map(_height, beside)))
        figure["layout"] = {**figure["layout"], "height": height}
    return figure
