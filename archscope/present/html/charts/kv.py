"""What decoding keeps against the context, and the least time of a step against sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log10
from typing import Any

from archscope.present import _format
from archscope.present.html.charts import Chart, Drawing, section
from archscope.present.html.charts._bytes import unit_of
from archscope.present.html.charts._style import axis, figure, label, look
from archscope.results import Report
from archscope.studies.names import short_names


def draw(reports: Sequence[Report]) -> Iterator[Drawing]:
    """Draw a line for each report that tells a cache, and one of what a runtime reserves."""
    found = [
        (name, report)
        for name, report in zip(short_names(reports), reports, strict=True)
        if section(report, "kv.contexts")
    ]
    if not found:
        return
    yield _contexts(found)
    timed = [(name, report) for name, report in found if _timed(report)]
    if timed:
        yield _batches(timed)


def _contexts(found: list[tuple[str, Report]]) -> Drawing:
    lines = [
        (f"{name} {what}".strip(), rows)
        for name, report in found
        for what, rows in _sizes(report)
        if rows
    ]
    size, unit = unit_of(max(value for _, rows in lines for _, value in rows))
    traces = [
        _trace(number, name, rows, _format.iec_bytes, size)
        for number, (name, rows) in enumerate(lines)
    ]
    totals = [(name, report.totals_of("kv.layers")) for name, report in found]
    said = "; ".join(
        f"{_format.safe_label(name)}{': ' * bool(name)}{_format.iec_bytes(each.bytes)} needed for "
        f"{each.batch:,} × {each.context:,}"
        for name, each in totals
    )
    return Drawing(
        name="kv-context",
        title="Cache against context",
        caption=f"Cache of all sequences as they grow longer. {said}.",
        figure=figure(
            traces,
            xaxis=axis("positions of each sequence", type="log", dtick=_tick(traces, "x")),
            yaxis=axis(unit, type="log", dtick=_tick(traces, "y")),
            showlegend=len(traces) > 1,
        ),
        wide=True,
    )


def _sizes(report: Report) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    rows = report.section("kv.contexts").rows
    yield "needed", [(row.context, row.needed) for row in rows if row.needed]
    yield "reserved", [(row.context, row.set_aside) for row in rows if row.set_aside]


def _timed(report: Report) -> bool:
    found = section(report, "kv.batches")
    return found is not None and all(row.tokens_per_second for row in found.rows)


def _batches(found: list[tuple[str, Report]]) -> Drawing:
    traces = [
        _trace(
            number,
            name or "at most",
            [(row.batch, row.tokens_per_second) for row in report.section("kv.batches").rows],
            lambda rate: f"{_format.si(round(rate))} tokens/s",
        )
        for number, (name, report) in enumerate(found)
    ]
    return Drawing(
        name="kv-batch",
        title="Upper bound on tokens per second, by number of sequences",
        caption="All sequences together, if a step took only the time of its reading or its "
        "arithmetic at the GPU's peak.",
        figure=figure(
            traces,
            xaxis=axis("sequences", type="log", dtick=1),
            yaxis=axis("tokens per second, at most", type="log", dtick=1),
            showlegend=len(traces) > 1,
        ),
    )


def _tick(traces: Sequence[Mapping[str, Any]], axis: str) -> float:
    """Return the step of a logarithmic axis: doublings where there are few, else decades."""
    values = [value for trace in traces for value in trace[axis]]
    return 1 if max(values) > 2**8 * min(values) else log10(2)


def _trace(
    number: int, name: str, points: list[tuple[int, Any]], said: Callable[[Any], str], size: int = 1
) -> dict[str, Any]:
    """Return a line through points, in units of `size`; `said` is a value in words."""
    chosen = look(number)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label(name),
        "x": [place for place, _ in points],
        "y": [value / size for _, value in points],
        "customdata": [f"{_format.integer(place)}: {said(value)}" for place, value in points],
        "hovertemplate": "%{customdata}<extra></extra>",
        "line": {"color": chosen.color, "dash": chosen.dash, "width": 2},
        "marker": {"color": chosen.color, "symbol": chosen.symbol, "size": 8},
    }


CHART = Chart(
    name="kv",
    summary="the cache of decoding against the context, and tokens per second against sequences",
    chapter="kv",
    order=65,
    lead=1,
    draw=draw,
)
