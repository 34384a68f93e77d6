"""What only times say: their spread in one cell, units that suit all rows, how they were taken.

These are the only functions that know fields of the rows and totals of `time` by name; a report
without such fields passes through them unchanged.
"""

from __future__ import annotations

from typing import Any

from archscope.present import _format
from archscope.results import Column, Report, Section, View

_MARKS = ("median_s", "own_time_s")
"""Fields that only rows of times have."""
_LOW, _HIGH = "p5_s", "p95_s"
_WORK_RATE = "flops_per_s"
_ITEM_RATE = "items_per_s"
_OPTIONAL = (_ITEM_RATE, _WORK_RATE, "peak_share", "peak_bytes", "bytes_moved", "macs",
             "intensity", "roof")  # fmt: skip
SEPARATOR = " · "


def _is_of_times(section: Section) -> bool:
    return section.analysis == "time" and any(hasattr(section.row_type, f) for f in _MARKS)


def idle(section: Section) -> frozenset[str]:
    """Return the columns in which nothing is known: a note says why, once for all rows."""
    if not _is_of_times(section):
        return frozenset()
    return frozenset(
        name for name in _OPTIONAL if all(getattr(row, name, None) is None for row in section.rows)
    )


def title(report: Report, section: Section, column: Column) -> str:
    """Return a heading in the words of the report: `Tokens/s`, `TFLOP/s*`."""
    if not _is_of_times(section):
        return column.title
    if column.name == _ITEM_RATE:
        item = getattr(report.totals, "item", None)
        return column.title if item is None else f"{item.capitalize()}s/s"
    if column.name == _WORK_RATE:
        return _unit(section)[1] + column.title
    return column.title


def cell(section: Section, row: Any, column: Column, text: str) -> str:
    """Return the text of a cell as a reader of times wants it."""
    if not _is_of_times(section):
        return text
    value = getattr(row, column.name)
    if value is None or text == _format.UNKNOWN:
        return _format.NOTHING
    if column.name == _LOW:
        return _format.span(value, getattr(row, _HIGH))
    if column.name == _WORK_RATE:
        return _format.in_unit(value, _unit(section)[0])
    return text


def _unit(section: Section) -> tuple[float, str]:
    """Return the factor and the sign of the unit that suits the largest rate of work."""
    rates = (getattr(row, _WORK_RATE) or 0.0 for row in section.rows)
    return _format.unit(max(rates, default=0.0))


def summary(report: Report, section: Section, view: View) -> tuple[str, ...]:
    """Return how the times were taken and, under a table of modules, the passes themselves."""
    if not _is_of_times(section):
        return ()
    passes = report.find("time.passes")
    lines = [] if passes is None or passes is section else [_passes(report, passes)]
    said = {row.name: row for row in _conditions(report)}
    return (*lines, *filter(None, (_taken(said), _peak(said))))


def _conditions(report: Report) -> tuple[Any, ...]:
    return _rows_of(report, "time.conditions")


def _passes(report: Report, passes: Section) -> str:
    parts = [
        f"{row.stage} {_format.seconds(row.median_s)} ({_format.span(row.p5_s, row.p95_s)})"
        for row in passes.rows
    ]
    return SEPARATOR.join(parts)


def _taken(said: dict[str, Any]) -> str | None:
    wanted = ("warm-up runs", "runs", "clock", "device name")
    if any(name not in said for name in wanted):
        return None
    warmup, runs, clock, device = (said[name].value for name in wanted)
    return f"{warmup} warm-up + {runs} timed runs on {device} · clock: {clock}"


def _peak(said: dict[str, Any]) -> str | None:
    peak, source = said.get("dense peak"), said.get("source of the peak")
    if peak is None or source is None or peak.value is None:
        return None
    kind = f" {said['number type'].value}" if "number type" in said else ""
    return f"peak = {_format.si(float(peak.value))}FLOP/s dense{kind} ({source.value})"


def _rows_of(report: Report, address: str) -> tuple[Any, ...]:
    found = report.find(address)
    return found.rows if found else ()
