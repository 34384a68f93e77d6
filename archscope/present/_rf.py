"""What only a receptive field says: windows over all axes, a picture of what is reached, paths.

These are the only functions that know fields of the rows and totals of `rf` by name; a report
without such fields passes through them unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from archscope.columns import Column, columns
from archscope.present import _format
from archscope.results import Report, Section, View

POSITIONS = "positions"
"""The field that holds of how many positions `reached` is a part, and the section that lists them
along one axis."""
WIDTH = 120
"""Characters of the picture's line where the output has no width of its own."""
ALL = "all"
"""The kernel of attention without a window."""
_LABELS = ("1-D reach", "1-D paths")
_SIGNS = {False: ("■", "·"), True: ("#", ".")}


def cell(row: Any, column: Column, text: str) -> str:
    """Return the text of a cell as a reader of receptive fields wants it."""
    value = getattr(row, column.name)
    if column.kind == "extent":
        if value is None:
            return ALL if column.name == "kernel" else _format.NOTHING
        return "×".join([text] * getattr(row, "axes", 1))
    if value is None and (column.kind in ("number", "ratio") or hasattr(row, "unknown")):
        unknown = getattr(row, "unknown", column.name).split(", ")
        return _format.UNKNOWN if column.name in unknown else _format.NOTHING
    whole = getattr(row, POSITIONS, None)
    return f"{text}/{_format.integer(whole)}" if column.name == "reached" and whole else text


def shown(section: Section, view: View) -> Section:
    """Return a section without modules that work position by position, unless all are asked for.

    A row that says of itself whether it `looks` at other positions is shown where it does, where
    its output sees more than any before, or where nothing else says what it does: the last row of
    all. Of maps within that are seen alike one after the other, as before and behind a ReLU, the
    first is shown.
    """
    names = {column.name for column in columns(section.row_type)}
    if view.expand or view.sort or view.top:
        return section
    if {"reads", "clipped"} <= names:
        groups = groupby(section.rows, key=lambda row: replace(row, reads=""))
        return replace(section, rows=tuple(next(alike) for _, alike in groups))
    if "looks" not in names:
        return section
    rows = tuple(_that_look(section.rows))
    rows = rows if not section.rows or section.rows[-1] in rows else (*rows, section.rows[-1])
    return replace(section, rows=rows)


def _that_look(rows: Sequence[Any]) -> Iterator[Any]:
    """Yield the rows of modules that look at other positions, or whose output sees more."""
    most = 0
    for row in rows:
        sees = max(row.local_field or row.receptive_field or (0,))
        if row.looks or (row.local_field and sees > most):
            yield row
        if row.local_field or not row.global_by:
            most = max(most, sees)


def left_out_are(section: Section, number: int) -> str:
    """Return what so many rows are that `shown` leaves out."""
    one = number == 1
    if any(column.name == "looks" for column in columns(section.row_type)):
        what = "module that only works" if one else "modules that only work"
        return f"{number:,} {what} position by position, or {'holds' if one else 'hold'} others"
    return f"{number:,} {'map that is' if one else 'maps that are'} seen like the one above"


def idle(section: Section) -> frozenset[str]:
    """Return the columns that say nothing here: no input size, no shift, no up-sampling."""
    names: dict[str, Callable[[Any], bool]] = {
        "centre": lambda row: not row.centre,
        "smallest_field": lambda row: row.smallest_field == row.receptive_field,
        "output_size": lambda row: row.output_size is None,
        "valid_taps": lambda row: row.valid_taps is None,
        "local_field": lambda row: row.local_field is None,
    }
    return frozenset(
        name
        for name, says_nothing in names.items()
        if all(hasattr(row, name) and says_nothing(row) for row in section.rows)
    )


def summary(report: Report, section: Section, view: View) -> tuple[str, ...]:
    """Return the picture of what is reached and the numbers of paths, none for another report."""
    totals = report.totals
    if left_out := len(section.rows) - len(shown(section, view).rows):
        return (f"+ {left_out_are(section, left_out)}",)
    if not hasattr(totals, "reached_1d") or section is not report.sections[0]:
        return ()
    rows = next((each.rows for each in report.sections if each.name == POSITIONS), ())
    if totals.reached_1d is None or totals.fewest_paths is None:
        return ()
    counts = [row.paths for row in rows]
    reached = f"{_format.integer(totals.reached_1d)}/{_format.integer(totals.receptive_field)}"
    most = "out of reach" if totals.most_paths is None else _format.power(totals.most_paths)
    fewest = _format.power(totals.fewest_paths)
    said = (reached, f"min {fewest}, max {most}")
    drawn = _drawn(counts, view, max(map(len, said)))
    if not drawn:
        every = "" if totals.paths is None else f", in all {_format.power(totals.paths)}"
        said = (said[0], said[1] + every)
        return tuple(f"{label}   {text}" for label, text in zip(_LABELS, said, strict=True))
    lines = zip(_LABELS, drawn, said, strict=True)
    return tuple(f"{label}   {cells}   {text}" for label, cells, text in lines)


def _drawn(counts: list[int], view: View, tail: int) -> tuple[str, str] | None:
    """Return a sign and a number per position, None where they do not fit on a line."""
    if not counts:
        return None
    seen, hole = _SIGNS[view.ascii]
    room = (WIDTH if view.width is None else view.width) - len(_LABELS[0]) - 6 - tail
    if 2 * len(counts) - 1 > room or max(counts).bit_length() > room:
        return None
    numbers = [str(number) for number in counts]
    width = max(map(len, numbers))
    if (width + 1) * len(counts) - 1 > room:
        return None
    signs = ((seen if number else hole).rjust(width) for number in counts)
    return " ".join(signs), " ".join(number.rjust(width) for number in numbers)
