"""CSV: a row of one section per line, never folded; an unknown value is an empty cell.

Text goes through `safe_label`. A text that a spreadsheet would take for a formula gets a `'` in
front: no Python name starts so, and JSON holds every text unchanged.
"""

from __future__ import annotations

import csv
import dataclasses
from io import StringIO
from typing import Any

from archscope.present import Format, _format, _select
from archscope.results import Report, View

_FORMULA = ("=", "+", "-", "@")


def render(report: Report, view: View) -> str:
    """Return the rows of one section under their fields' names; see `Format.render`."""
    section = report.spread(_select.section(report, view.by))
    if view.total:
        totals = _select.totals(report)
        return _table([field.name for field in dataclasses.fields(totals)], (totals,))
    names = [column.name for column in _select.shown_to_machines(section, view)]
    return _table(names, _select.records(report, section, view))


def _table(names: list[str], rows: tuple[Any, ...]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(getattr(row, name)) for name in names] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple | list):
        return "x".join(_cell(item) for item in value)
    if isinstance(value, bool | int | float):
        return str(value)
    text = _format.safe_label(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


FORMAT = Format(
    name="csv",
    summary="only the rows, for a spreadsheet",
    suffixes=(".csv",),
    render=render,
)
