"""What each counter says against the exact count, and why it says something else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, of_network, section
from archscope.present.html.charts._style import (
    LOOKS,
    Look,
    axis,
    figure,
    label,
    pattern,
)
from archscope.records import frozen
from archscope.results import Report
from archscope.studies.names import short_names, shortened

_LINE = 17
"""Pixels of a line of text, and of a bar."""
_WIDTH = 46
"""Characters of a line: as many as a phone shows."""
_MOST_REASONS = 4
"""Reasons that stand below a bar before the rest is counted."""
_LONGEST = 2.0
"""Ratio to the exact count at which a bar is cut."""
_OURS, _SAME, _EXPLAINED, _UNEXPLAINED = range(4)
_LOOKS: tuple[tuple[str, Look], ...] = (
    ("archscope", LOOKS[0]),
    ("agrees", LOOKS[2]),
    ("differs, explained", LOOKS[1]),
    ("differs, in part unexplained", LOOKS[5]),
)
_QUANTITIES = (("macs", "MACs"), ("params", "Parameters"))


@frozen
class _Counter:
    """One counter, and what it says of one quantity."""

    name: str
    value: int | None
    """None where it gave no figure."""
    ratio: float | None
    """To the exact count."""
    look: int
    """Which of the looks."""
    told: tuple[str, ...]
    """Lines below its bar: why it differs, or why there is no figure."""

    @property
    def heading(self) -> str:
        """The line above its bar, for a figure."""
        said = "no figure" if self.value is None else _format.integer(self.value)
        if self.ratio is not None and self.look != _OURS:
            said = f"{said} · {_format.percent(self.ratio)}%"
        return f"<b>{label(self.name, 20)}</b> {said}"


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw both quantities of each report that holds an audit."""
    for number, (name, report) in enumerate(zip(short_names(reports), reports, strict=True)):
        ours = report.totals_of("audit.tools")
        tools = section(report, "audit.tools")
        if ours is None or tools is None:
            continue
        found = section(report, "audit.differences")
        differences = found.rows if found else ()
        whose, end = (f", {_format.safe_label(name)}" if name else ""), f"-{number}" * bool(name)
        for quantity, title in _QUANTITIES:
            counters = [_counter(row, quantity, differences) for row in tools.rows]
            if any(each.ratio is not None for each in counters):
                made = _drawing(counters, quantity, title, whose, end, ours.complete)
                yield from of_network([made], number, name)


def _counter(row: Any, quantity: str, differences: Sequence[Any]) -> _Counter:
    mine = [each for each in differences if (each.tool, each.quantity) == (row.tool, quantity)]
    value, ratio = getattr(row, quantity), getattr(row, f"{quantity}_ratio")
    if row.tool == "archscope":
        look = _OURS
    elif not mine:
        look = _SAME
    else:
        look = _EXPLAINED if all(each.explained for each in mine) else _UNEXPLAINED
    return _Counter(
        name=row.tool,
        value=value,
        ratio=ratio,
        look=look,
        told=tuple(_told(row, value, quantity, mine)),
    )


def _told(row: Any, value: int | None, quantity: str, differences: Sequence[Any]) -> Iterator[str]:
    if value is None:
        words = {"macs": "MACs", "params": "parameters"}[quantity]
        yield from _wrapped(f"it does not count {words}" if row.counted else row.state)
        return
    for each in differences[:_MOST_REASONS]:
        yield from _wrapped(f"{each.amount:+,}: {each.reason}")
    rest = len(differences) - _MOST_REASONS
    if rest > 0:
        yield f"and {rest} smaller, in the table"


def _wrapped(text: str) -> list[str]:
    words = (shortened(word, _WIDTH - 6) for word in _format.safe_label(text).split())
    lines = wrap(" ".join(words), _WIDTH, subsequent_indent="\u2003")
    return [label(line, _WIDTH + 1) for line in lines]


def _drawing(
    counters: Sequence[_Counter],
    quantity: str,
    title: str,
    whose: str,
    end: str,
    complete: bool,
) -> Drawing:
    tops, lines = [], 0.0
    for each in counters:
        tops.append(lines)
        lines += 1 + (each.ratio is not None) + len(each.told) + 0.6
    longest = min(max(each.ratio or 0 for each in counters), _LONGEST)
    cut = any((each.ratio or 0) > _LONGEST for each in counters)
    exact = "exact" if complete else "as far as known"
    return Drawing(
        name=f"audit-{quantity}{end}",
        title=f"{title} by other counters{whose}",
        caption=_caption(counters, title, cut=cut, complete=complete),
        figure=figure(
            [_bars(look, counters, tops) for look in range(len(_LOOKS)) if _has(counters, look)],
            height=round(lines * _LINE) + 100,
            barmode="overlay",
            showlegend=True,
            xaxis=axis(
                f"% of the {exact} count",
                range=[0, 100 * max(longest * 1.03, 1.1)],
                ticksuffix="%",
                showgrid=False,
            ),
            yaxis={"visible": False, "range": [lines, -0.2], "fixedrange": True},
            shapes=[_exact_line(lines)],
            annotations=[
                note for each, top in zip(counters, tops, strict=True) for note in _texts(each, top)
            ],
        ),
    )


def _has(counters: Sequence[_Counter], look: int) -> bool:
    return any(each.look == look and each.ratio is not None for each in counters)


def _bars(look: int, counters: Sequence[_Counter], tops: Sequence[float]) -> dict[str, Any]:
    name, looks = _LOOKS[look]
    known = [
        (each, top, each.ratio)
        for each, top in zip(counters, tops, strict=True)
        if each.look == look and each.ratio is not None
    ]
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": [100 * min(ratio, _LONGEST) for _, _, ratio in known],
        "y": [top + 1.5 for _, top, _ in known],
        "width": 0.8,
        "text": ["longer ▶" if ratio > _LONGEST else "" for _, _, ratio in known],
        "textposition": "inside",
        "insidetextanchor": "end",
        "textfont": {"color": looks.ink},
        "customdata": [each.heading for each, _, _ in known],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"color": looks.color, "pattern": pattern(looks)},
    }


def _texts(each: _Counter, top: float) -> Iterator[dict[str, Any]]:
    yield _text(each.heading, top + 0.5, 13)
    first = top + 1.5 + (each.ratio is not None)
    for number, line in enumerate(each.told):
        yield _text(line, first + number, 12)


def _text(text: str, y: float, size: int) -> dict[str, Any]:
    return {
        "text": text,
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "y": y,
        "yanchor": "middle",
        "align": "left",
        "showarrow": False,
        "font": {"size": size},
    }


def _exact_line(lines: float) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": 100,
        "x1": 100,
        "y0": 0,
        "y1": lines,
        "layer": "below",
        "line": {"dash": "dot", "width": 2, "color": "#999999"},
    }


def _caption(counters: Sequence[_Counter], title: str, *, cut: bool, complete: bool) -> str:
    others = [each for each in counters if each.look != _OURS]
    groups = [
        (name, [each for each in others if each.look == look and each.ratio is not None])
        for look, (name, _) in enumerate(_LOOKS)
    ]
    groups.append(("no figure", [each for each in others if each.ratio is None]))
    said = " ".join(
        f"{name.capitalize()}: {', '.join(_format.safe_label(each.name) for each in members)}."
        for name, members in groups
        if members
    )
    ends = f" Bars end at {_LONGEST:.0%}." if cut else ""
    bound = "" if complete else " archscope's own count is incomplete: see What to look at."
    return (
        f"{title} that each counter gives, against archscope's; the reason for a difference is "
        f"given below its bar. {said}{ends}{bound}"
    )


CHART = Chart(
    name="audit",
    summary="what each counter says, and why it differs",
    chapter="audit",
    order=45,
    lead=1,
    draw=draw,
)
