"""One cell of a row as text, by what its column declares; no column is known here by its name."""

from __future__ import annotations

import re
from typing import Any

from archscope.columns import Column, Kind, columns
from archscope.present import _format
from archscope.results import Report, Section

LOWER_BOUND = "≥ "
"""Stands before a number that is not all there is."""
_BOUNDS = {False: LOWER_BOUND, "at least": LOWER_BOUND, "at most": "≤ "}
"""What stands before a number, by what its column's `bound` says of it."""
_PLACE = re.compile(r"\{(\w+)\}")


def title(report: Report, section: Section, column: Column) -> str:
    """Return a heading in the words of the report: `{item}s/s` is `Tokens/s` where tokens pass.

    A throughput has its unit in front: `TFLOP/s*`.
    """

    def word(found: re.Match[str]) -> str:
        return str(getattr(report.totals, found[1], None) or found[1]).capitalize()

    if column.kind == "throughput":
        return _unit(section, column)[1] + column.title
    return _PLACE.sub(word, column.title)


def text(section: Section, row: Any, column: Column, *, exact: bool = False) -> str:
    """Return the text of a cell, safe to print."""
    return shown(section, row, column, getattr(row, column.name), exact=exact)


def shown(section: Section, row: Any, column: Column, value: Any, *, exact: bool = False) -> str:
    """Return the text of a cell whose value is not the row's own, e.g. of several copies."""
    kind: Kind = getattr(row, column.read_as) if column.read_as else column.kind
    if value is None:
        return _absent(row, column, kind)
    if column.kind == "throughput":
        return _format.in_unit(value, _unit(section, column)[0])
    if column.to:
        ends = value, getattr(row, column.to)
        if column.kind == "seconds":
            return _format.span(*ends)
        return " … ".join(_format.cell(end, kind, exact=exact) for end in ends)
    said = next((word for each, word in column.words if each == value), None)
    plain = said or _format.cell(value, kind, exact=exact, signed=column.signed)
    if column.bound:
        sign = _BOUNDS.get(getattr(row, column.bound), "")
        # "At least nothing" says nothing.
        plain = _format.UNKNOWN if sign and plain == _format.NOTHING else sign + plain
    if column.of and (whole := getattr(row, column.of)):
        return f"{plain}/{_format.integer(whole)}"
    return plain


def _absent(row: Any, column: Column, kind: Kind) -> str:
    """Return what a cell says that has no value: a row may name those that it does not know."""
    if column.none:
        return column.none
    unknown = getattr(row, "unknown", None)
    if unknown is None:
        return _format.cell(None, kind)
    return _format.UNKNOWN if column.name in unknown.split(", ") else _format.NOTHING


def _unit(section: Section, column: Column) -> tuple[float, str]:
    """Return the factor and the sign of the unit that suits the largest value of a column."""
    values = (getattr(row, column.name) or 0.0 for row in section.rows)
    return _format.unit(max(values, default=0.0))


def idle(section: Section) -> frozenset[str]:
    """Return the columns that say nothing in this section, as they declare it themselves."""
    return frozenset(c.name for c in columns(section.row_type) if c.idle and _is_idle(section, c))


def _is_idle(section: Section, column: Column) -> bool:
    values = [getattr(row, column.name) for row in section.rows]
    if column.idle == "unknown":
        return all(value is None for value in values)
    if column.idle == "ones":
        return all(value in (None, 1) or value == (1,) * len(value) for value in values)
    if column.idle == "empty":
        return not any(any(v) if isinstance(v, tuple) else v for v in values)
    return values == [getattr(row, column.idle) for row in section.rows]
