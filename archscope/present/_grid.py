"""Turns a section into a grid of cells that are safe to print, from what its row type declares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

from archscope import folding
from archscope.columns import Column, columns
from archscope.folding import Node
from archscope.present import _cell, _format, _lines, _select, _totals
from archscope.present._lines import Line
from archscope.present._totals import Total
from archscope.records import frozen
from archscope.results import Report, Section, View

Role = Literal["name", "words", "number", "share", "bar"]
CLOSED_FORM = "="
"""A heading that ends so is of a closed form, shown only where a view asks for explanations."""
DROP_BAR = 1_000
DROP_SHARE = 25
"""Shares go after columns of rank 3 and above, before those of rank 2 and 1."""
DROP_RANK = 10


@frozen
class Heading:
    """What stands above one column of a grid."""

    title: str
    full: str
    """The title where it stands alone, e.g. `FLOPs %`."""
    role: Role
    drop: int
    """Which columns go first where a terminal is narrow: higher goes earlier, 0 never goes."""


@frozen
class Grid:
    """A table as text; every row has a cell per heading."""

    headings: tuple[Heading, ...]
    body: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] | None
    """The last line, None where nothing in the table can be summed."""


@frozen
class _Filled:
    """A column with the functions that fill it."""

    heading: Heading
    cell: Callable[[Line], str]
    rest: Callable[[Sequence[Line]], str] = lambda lines: ""
    total: str = ""


def grid(report: Report, section: Section, root: Node | None, view: View) -> Grid:
    """Return the table of one section, folded, sorted and cut as `view` says."""
    shown, rest = _cut(section, _lines.lines(section, root, view), view)
    filled = _columns(report, section, view, shown)
    body = [tuple(column.cell(line) for column in filled) for line in shown]
    if rest:
        more = f"+ {len(rest):,} more"
        body.append((more, *(column.rest(rest) for column in filled[1:])))
    totals = tuple(column.total for column in filled[1:])
    total = ("Total", *totals) if any(totals) else None
    headings = tuple(column.heading for column in filled)
    return translated(Grid(headings=headings, body=tuple(body), total=total), view)


def _cut(
    section: Section, shown: Sequence[Line], view: View
) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Return the lines to show, and those that one last line stands for."""
    if view.sort is None and view.top is None:
        return tuple(_lines.every(shown)), ()
    flat = _lines.leaves(shown)
    if view.sort is not None:
        column = _select.sort_column(section, view.sort)
        rank = _select.size(column)
        flat = _select.largest_first(flat, lambda line: rank(_lines.value(line, column.name)))
    return (flat, ()) if view.top is None else (flat[: view.top], flat[view.top :])


def _columns(
    report: Report, section: Section, view: View, shown: Sequence[Line]
) -> tuple[_Filled, ...]:
    filled: list[_Filled] = []
    for column in shown_columns(report, section, view):
        numeric = column.kind not in ("text", "path")
        if numeric and any(line.copies > 1 for line in shown) and not _has(filled, "×"):
            filled.append(_multiplicity())
        filled += _filled(report, section, view, column, first=not filled)
    return tuple(filled)


def _has(filled: Sequence[_Filled], title: str) -> bool:
    return any(column.heading.title == title for column in filled)


def shown_columns(report: Report, section: Section, view: View) -> list[Column]:
    """Return what is worth a column: not zeros or blanks alone, not FLOPs that none asked for.

    Where a view names columns, these are shown whatever they hold.
    """
    if view.columns:
        return _select.named_columns(section, view.columns)
    idle = _cell.idle(section)
    return [
        column
        for column in columns(section.row_type)
        if column.title
        and column.name not in idle
        and (view.explain or not _is_form(column))
        and not (column.drop and column.kind == "count" and _all(section, column, 0))
        and not (column.drop and column.kind == "text" and _all(section, column, ""))
        and not (
            report.convention is None and column.kind == "work" and _all(section, column, None)
        )
    ]


def _is_form(column: Column) -> bool:
    return column.title.endswith(CLOSED_FORM)


def _all(section: Section, column: Column, value: int | str | None) -> bool:
    return all(getattr(row, column.name) == value for row in section.rows)


def _multiplicity() -> _Filled:
    heading = Heading(title="×", full="×", role="number", drop=0)
    return _Filled(heading=heading, cell=lambda line: _format.times(line.copies))


def _filled(
    report: Report, section: Section, view: View, column: Column, *, first: bool
) -> list[_Filled]:
    total = _totals.total(report, section, column)
    main = _Filled(
        heading=_heading(column, _cell.title(report, section, column), first=first),
        cell=_reader(section, view, column),
        rest=lambda lines: (
            "" if total is None else _show(_totals.over(lines, column), column, view)
        ),
        total="" if total is None else _totals.text(total, column, view),
    )
    if total is None or not column.share:
        return [main]
    return [main, *_shares(column, total, view)]


def _heading(column: Column, title: str, *, first: bool) -> Heading:
    words = column.kind in ("text", "path", "shape")
    role: Role = "name" if first else "words" if words else "number"
    drop = 0 if first else column.drop * DROP_RANK
    return Heading(title=title, full=title, role=role, drop=drop)


def _reader(section: Section, view: View, column: Column) -> Callable[[Line], str]:
    if column.kind == "path" and column.name == folding.path_field(section.row_type):
        return lambda line: line.tree + _format.safe_label(line.label)
    if _is_form(column):
        return lambda line: _form(line, column.name)

    def read(line: Line) -> str:
        value = _lines.value(line, column.name)
        shown = _cell.shown(section, line.row, column, value, exact=view.exact)
        if _is_range(column) and line.first is not None:
            first = _cell.text(section, line.first, column, exact=view.exact)
            shown = shown if first == shown else f"{first} … {shown}"
        return _held(line, column, shown) if column.held_by else shown

    return read


def _is_range(column: Column) -> bool:
    """Return whether a folded line shows a column of its first copy too; others lack the room."""
    return column.grows and not column.drop and not column.of


def _held(line: Line, column: Column, shown: str) -> str:
    """Return the text of a cell, with the row that holds its number where it is another."""
    holder = getattr(line.row, column.held_by)
    if holder is None or line.parts:
        return shown
    where = f"tied → {_format.safe_label(holder)}"
    return f"{shown} + {where}" if _lines.value(line, column.name) else where


def _form(line: Line, field: str) -> str:
    """Return a closed form; that of a container stands beside its own work, where it has any."""
    form = None if any(part.own for part in line.parts) else getattr(line.row, field)
    return "" if form is None else _format.safe_label(form)


def _show(value: Any, column: Column, view: View) -> str:
    return _format.cell(value, column.kind, exact=view.exact)


def _shares(column: Column, total: Total, view: View) -> list[_Filled]:
    full = f"{column.title.rstrip('* ')} %"
    whole = total.value
    share = _Filled(
        heading=Heading(title="%", full=full, role="share", drop=DROP_SHARE),
        cell=lambda line: _share(_lines.value(line, column.name), whole),
        rest=lambda lines: _share(_totals.over(lines, column), whole),
        total=_share(whole, whole),
    )
    bars = _Filled(
        heading=Heading(title="", full="bar", role="bar", drop=DROP_BAR),
        cell=lambda line: _bar(_lines.value(line, column.name), whole, view),
    )
    return [share, bars] if column.bar else [share]


def _share(part: Any, whole: Any) -> str:
    return _format.percent(part, whole) if part and whole else _format.NOTHING


def _bar(part: Any, whole: Any, view: View) -> str:
    return _format.bar(part, whole, blocks=not view.ascii) if part and whole else ""


def translated(found: Grid, view: View) -> Grid:
    """Return the grid in ASCII where the output holds nothing else."""
    if not view.ascii:
        return found
    return Grid(
        headings=tuple(
            replace(each, title=_format.ascii_only(each.title)) for each in found.headings
        ),
        body=tuple(tuple(map(_format.ascii_only, row)) for row in found.body),
        total=found.total and tuple(map(_format.ascii_only, found.total)),
    )
