"""What a chart is, and how one is found: a file here, or an entry point of the same group.

A figure is plotly's own JSON (`data` and `layout`), made without plotly: the page hands it to the
browser, `Report.figure` to plotly's Python classes. It holds no colours of text or background, so
that it can be drawn light and dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archscope.records import frozen
from archscope.registry import Registry
from archscope.results import Report, Section

MOST_POINTS = 60
"""Marks up to which each gets an element of its own; beyond, one line or one image stands."""


@frozen
class Drawing:
    """One figure, with the words that go with it."""

    name: str
    """What `Report.figure` and a link call it; letters, digits and hyphens."""
    title: str
    """Heading above it."""
    caption: str
    """What it shows, in a sentence or two; read aloud in its place."""
    figure: Mapping[str, Any]
    """Plotly's JSON: `data` and `layout`."""
    wide: bool = False
    """Whether it takes the whole width of the page."""
    folded: bool = False
    """Whether it is shown only when asked for."""
    network: int | None = None
    """Of which of several reports it is alone, by its place; None: of all, or of the only one."""


@frozen
class Chart:
    """A way to draw reports: one, or several side by side."""

    name: str
    """Unique among charts."""
    summary: str
    """One line that says what it shows."""
    chapter: str
    """The part of a page that it stands in: `cost`, `rf`, `time`, or one of its own."""
    order: int
    """Place in that part: lower comes first."""
    lead: int = 0
    """Place among those of its part of which the first that draws anything stands under the numbers
    at the head of a page; 0: none of these."""
    draw: Callable[[Sequence[Report]], Iterable[Drawing]]
    """The drawings, none where these reports hold nothing to draw."""


CHARTS = Registry("chart", "archscope.present.html.charts", "CHART", Chart)


def drawings(reports: Sequence[Report]) -> tuple[tuple[Chart, Drawing], ...]:
    """Return everything that can be drawn of `reports`, in order."""
    charts = sorted(CHARTS.all().values(), key=lambda chart: (chart.order, chart.name))
    return tuple((chart, drawing) for chart in charts for drawing in chart.draw(reports))


def of_network(drawn: Iterable[Drawing], number: int, name: str) -> Iterator[Drawing]:
    """Yield drawings as those of one of several reports; `name` is empty where there is one."""
    for each in drawn:
        yield replace(each, network=number) if name else each


SEEN = ("rf.branches", "rf.layers")
"""Where the totals of a receptive field stand."""


def section(report: Report, address: str) -> Section | None:
    """Return the section at an address like `rf.layers`; None where it is not there, or empty."""
    found = report.find(address)
    return found if found and found.rows else None
