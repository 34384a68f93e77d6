"""Sums of columns, and the totals of a report."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

from archscope.columns import Column, is_left_out
from archscope.present import _cell, _format, _lines
from archscope.present._lines import Line
from archscope.records import frozen
from archscope.results import Report, Section, View

_SUMMED = ("count", "work", "bytes", "seconds")
_BOUNDED = (
    *("macs", "flops", "forward", "backward", "by_weight", "by_input", "by_function"),
    *("recomputed", "step"),
)
"""Fields of totals that are lower bounds where these are not complete."""
_LABELS = {
    "trainable": "Trainable params",
    "frozen": "Frozen params",
    "active": "Active params",
    "macs": "MACs",
    "nonzero": "Nonzero params",
    "effective_macs": "Effective MACs",
    "flops": "FLOPs*",
    "weight_bytes": "Weight bytes",
    "saved": "Saved, all",
    "activations": "Saved, without inputs and buffers",
}
"""What fields of totals are called, where their own name will not do."""

UNKNOWN = "unknown"
"""The field that names those that are None because they were out of reach, where there is one."""


@frozen
class Total:
    """The sum of a column."""

    value: Any
    """None where it is unknown."""
    partial: bool
    """Whether the sum is a lower bound."""


def lower_bound(report: Report) -> str:
    """Return the sign before an amount of work that is a lower bound, else an empty string."""
    return "" if getattr(report.totals, "complete", True) else _cell.LOWER_BOUND


def over(lines: Sequence[Line], column: Column) -> Any:
    """Return the sum of what is known of a column, None where nothing is."""
    known = [each for line in lines if (each := _lines.value(line, column.name)) is not None]
    return sum(known) if known or not lines else None


def total(report: Report, section: Section, column: Column) -> Total | None:
    """Return a column's total: the section's own, else its sum where it is meant to be summed."""
    if column.kind not in _SUMMED:
        return None
    partial = column.kind == "work" and bool(lower_bound(report))
    if hasattr(section.totals, column.name):
        return Total(value=getattr(section.totals, column.name), partial=partial)
    if not column.share and (section.totals or not hasattr(report.totals, column.name)):
        return None  # a section with totals of its own says there what adds up
    field = column.name
    if field in _lines.additive(section.row_type):
        field = f"own_{field}"
    values = [getattr(row, field) for row in section.rows]
    known = [value for value in values if value is not None]
    unknown = len(known) < len(values)
    return Total(value=sum(known) if known else None, partial=partial or unknown)


def text(total: Total, column: Column, view: View) -> str:
    """Return a total as the text of its cell."""
    sign = _cell.LOWER_BOUND if total.partial and total.value is not None else ""
    shown = "0" if total.value == 0 else _format.cell(total.value, column.kind, exact=view.exact)
    return sign + shown


def listed(report: Report) -> tuple[tuple[str, str], ...]:
    """Return the totals of a report as pairs of a name and a number with all its digits."""
    return tuple(
        (_label(field.name), _digits(report, field.name))
        for field in dataclasses.fields(report.totals)
        if not isinstance(value := getattr(report.totals, field.name), bool)
        and field.name != UNKNOWN
        and not is_left_out(field, value)
    )


def _label(field: str) -> str:
    return _LABELS.get(field, field.replace("_", " ").capitalize())


def _digits(report: Report, field: str) -> str:
    value = getattr(report.totals, field)
    if isinstance(value, float):
        return f"{value:.6g}"  # all that is rounded here stands in the JSON in full
    if isinstance(value, tuple) and value:
        digits = (f"{each:.6g}" if isinstance(each, float) else f"{each:,}" for each in value)
        return "×".join(digits)
    if value is None and field not in getattr(report.totals, UNKNOWN, field).split(", "):
        return _format.NOTHING
    if value == ():
        return _format.NOTHING
    kind: Literal["count", "text"] = "text" if isinstance(value, str) else "count"
    sign = lower_bound(report) if field in _BOUNDED and value is not None else ""
    return sign + _format.cell(value, kind)
