"""A section as a static table that works without any script, and as a list that one draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from archscope.columns import Column, columns
from archscope.present import _format, _grid, _lines, _select
from archscope.present._cell import text as cell_text
from archscope.present._grid import Grid
from archscope.present._summary import words
from archscope.records import frozen
from archscope.results import Report, Section, Strip, View

MOST_LINES = 48
"""Lines of a static table; a longer one shows less depth, then its first lines and the rest."""
_FEWEST_LINES = 3
"""Lines below which less depth says nothing any more."""
_CUT_LINES = 16
"""Lines that are shown of a table that is too long at any depth."""
_FEWEST_ALIKE = 3
"""Rows in a row that say the same from which one stands for them."""
_LONG = 24
"""Characters from which words in a cell may wrap."""
_SIGNS = "├└│─ "
_COPIES = "×"
"""Heading of how many modules a row stands for."""


@frozen
class Cell:
    """One cell, safe to print once it is escaped."""

    text: str
    role: str
    """`name`, `words`, `number` or `share`."""
    depth: int = 0
    """How far a name is indented: parts hang below what they are part of."""
    long: bool = False
    """Whether these are words that may wrap."""
    bar: float | None = None
    """Length of a bar behind it, in percent."""
    early: bool = False
    """Whether these are words that stand before the first number: a phone has no room for both."""


@frozen
class Table:
    """A section, folded and cut to what a reader takes in."""

    name: str
    """The section's address."""
    title: str
    """What it shows, in words."""
    caption: str
    """The same, and what was left out."""
    headings: tuple[Cell, ...]
    body: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...]
    """Empty where nothing can be summed."""
    rows: int
    """How many rows the section has, unfolded."""
    shortened: str
    """What was left out, in words; empty where rows were put together at most."""


def table(report: Report, section: Section, caption: str) -> Table:
    """Return the table of one section."""
    whole = report.spread(section)
    section = _select.listed(whole, View())
    grid, shortened = _fitting(report, section)
    idle = len(whole.rows) - len(section.rows)
    rest = f"without {_select.left_out_are(whole, idle)}" if idle else ""
    shown = [index for index, heading in enumerate(grid.headings) if heading.role != "bar"]
    early = _early(grid, shown)
    headings = tuple(
        Cell(text=grid.headings[n].full, role=grid.headings[n].role, early=n in early)
        for n in shown
    )
    return Table(
        name=section.address,
        title=caption,
        caption="; ".join(filter(None, (caption, shortened, rest))),
        headings=headings,
        body=tuple(_row(cells, grid, shown, early) for cells in grid.body),
        total=() if grid.total is None else _row(grid.total, grid, shown, early),
        rows=len(whole.rows),
        shortened=shortened,
    )


def said_under(report: Report) -> dict[str, tuple[str, ...]]:
    """Return the lines that stand under the table of each section, each line once.

    What networks that are compared are is told by the table of them.
    """
    networks = report.find("compare.networks")
    titles = tuple(row.title for row in networks.rows) if networks else ()
    found: dict[str, tuple[str, ...]] = {}
    told: set[str] = set()
    for section in report.sections:
        said = (line for line in section.summary if not isinstance(line, Strip))
        lines = dict.fromkeys(words(report, line, View()) for line in said)
        new = (line for line in lines if line not in told and not line.endswith(titles))
        found[section.address] = tuple(new)
        told.update(lines)
    return found


def _fitting(report: Report, section: Section) -> tuple[Grid, str]:
    """Return the deepest table that is short enough and says something, else a part of it.

    The part is the largest lines where the section has shares, otherwise the first ones and the
    last; one more line stands for the rest.
    """
    root = _lines.tree(section)
    whole = _together(_grid.grid(report, section, root, View()))
    if len(whole.body) <= MOST_LINES:
        return whole, ""
    for depth in () if root is None else (4, 3, 2, 1):
        found = _together(_grid.grid(report, section, root, View(max_depth=depth)))
        if _FEWEST_LINES <= len(found.body) <= MOST_LINES:
            return found, "deeper modules are in the list of all rows"
    shares = [c.name for c in columns(section.row_type) if c.share]
    if not shares:
        return _ends(whole)
    view = View(sort=shares[0], top=_CUT_LINES)
    return _grid.grid(report, section, root, view), f"the largest {_CUT_LINES}"


def _ends(grid: Grid) -> tuple[Grid, str]:
    """Return the first lines of a table and its last, which is the answer of what grows."""
    *first, last = grid.body
    left = len(first) - (_CUT_LINES - 1)
    more = (f"+ {left:,} more", *("" for _ in grid.headings[1:]))
    body = (*first[: _CUT_LINES - 1], more, last)
    return replace(grid, body=body), f"the first {_CUT_LINES - 1} and the last"


def _together(grid: Grid) -> Grid:
    """Return the table with rows that differ in their names alone put together."""
    body: list[tuple[str, ...]] = []
    for _, same in groupby(grid.body, key=lambda row: row[1:]):
        rows = list(same)
        if len(rows) < _FEWEST_ALIKE or rows[0][0].startswith(tuple(_SIGNS)):
            body += rows
        else:
            name = f"{rows[0][0]} … {rows[-1][0]} {_format.times(len(rows))}"
            body.append((name, *rows[0][1:]))
    return replace(grid, body=tuple(body))


def _early(grid: Grid, shown: Sequence[int]) -> frozenset[int]:
    """Return the columns of words before the first numbers, which count no copies."""
    roles = [(index, grid.headings[index]) for index in shown]
    first = next(
        (n for n, each in roles if each.role in ("number", "share") and each.full != _COPIES), 0
    )
    return frozenset(n for n, each in roles if each.role == "words" and n < first)


def _row(
    cells: Sequence[str], grid: Grid, shown: Sequence[int], early: frozenset[int]
) -> tuple[Cell, ...]:
    return tuple(_cell(cells, index, grid, early=index in early) for index in shown)


def _cell(cells: Sequence[str], index: int, grid: Grid, *, early: bool) -> Cell:
    text, role = cells[index], grid.headings[index].role
    if role == "name":
        bare = text.lstrip(_SIGNS)
        return Cell(text=bare, role=role, depth=(len(text) - len(bare)) // 3)
    long = role == "words" and len(text) > _LONG
    bar = _percent(text) if role == "share" else None
    return Cell(text=text, role=role, long=long, bar=bar, early=early)


def _percent(text: str) -> float | None:
    """Return the length of a bar from a percentage that was written by `_format.percent`."""
    number = text.lstrip("<")
    known = number.replace(".", "", 1).isdigit()
    return min(float(number), 100.0) if known else None


def full_list(report: Report, section: Section) -> dict[str, Any]:
    """Return all rows for the page's script, a column at a time.

    Each column holds its different texts in the order of their values, and for each row which of
    them it shows: so the script sorts integers of any size without reading a number. A column of
    names, all different, holds them row by row: the script can sort words itself.
    """
    section = report.spread(section)
    shown = _grid.shown_columns(report, section, View())
    return {
        "name": section.name,
        "rows": len(section.rows),
        "columns": [
            _listed(section, column, first=index == 0) for index, column in enumerate(shown)
        ],
    }


def _listed(section: Section, column: Column, *, first: bool) -> dict[str, Any]:
    words = first or column.kind in ("text", "path", "shape")
    read = _reader(section, column, first=first)
    pairs = [(_rank(getattr(row, column.name), words), read(row)) for row in section.rows]
    order = sorted(set(pairs))
    if words and len(order) == len(pairs):
        texts = [text for _, text in pairs]
        return {"title": column.title, "words": True, "values": texts, "index": None}
    places = {pair: place for place, pair in enumerate(order)}
    return {
        "title": column.title,
        "words": words,
        "values": [text for _, text in order],
        "index": [places[pair] for pair in pairs],
    }


def _rank(value: Any, words: bool) -> tuple[bool, Any]:
    """Return what a value is sorted by: unknown ones come last."""
    if value is None:
        return (True, 0)
    if isinstance(value, tuple | list):
        return (False, tuple(value))
    return (False, str(value) if words else value)


def _reader(section: Section, column: Column, *, first: bool) -> Callable[[Any], str]:
    def read(row: Any) -> str:
        value = getattr(row, column.name)
        if first and value == "":
            return _lines.ROOT
        return cell_text(section, row, column)

    return read
