"""Which section a view asks for, and in which order and how many of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from archscope.columns import Column, columns
from archscope.errors import UsageError, did_you_mean, plain_word
from archscope.results import Report, Section, View

T = TypeVar("T")


def section(report: Report, name: str | None) -> Section:
    """Return the section called `name` or at that address, by default the first.

    Raises `UsageError` with the names that there are.
    """
    if not report.sections:
        raise UsageError(f"the {report.command} report has no sections to show.")
    if name is None:
        return report.sections[0]
    found = report.find(name)
    if found is None:
        names = [each.name for each in report.sections]
        raise UsageError(
            f"no section is called {name!r}; there are {', '.join(names)}."
            + did_you_mean(name, names)
        )
    return found


def listed(section: Section, view: View) -> Section:
    """Return a section without the rows that a table leaves out, unless all are asked for."""
    all_of_them = view.expand or view.sort or view.top or view.max_depth
    if all_of_them or not section.shown_by:
        return section
    return replace(section, rows=tuple(r for r in section.rows if getattr(r, section.shown_by)))


def left_out_are(section: Section, number: int) -> str:
    """Return what this many rows are that `listed` leaves out."""
    return f"{number:,} {section.others[number != 1]}"


def left_out(section: Section, view: View) -> tuple[str, ...]:
    """Return a line on the rows that are left out, none where all are shown."""
    number = len(section.rows) - len(listed(section, view).rows)
    return (f"+ {left_out_are(section, number)}",) if number else ()


def named_columns(of: Section, names: Sequence[str]) -> list[Column]:
    """Return the first column and those of these names, in their order.

    A name is a field, or a heading without signs. Raises `UsageError` with the nearest.
    """
    known = columns(of.row_type)
    found = [known[0]]
    for name in names:
        column = named(of, name)
        if column is None:
            words = [each.name for each in known]
            raise UsageError(
                f"--columns: {of.name} has no column {name!r}; there are {', '.join(words)}."
                + did_you_mean(name, words)
            )
        if column not in found:
            found.append(column)
    return [each if each.title else _titled(each) for each in found]


def named(of: Section, name: str) -> Column | None:
    """Return the column of this name, or under this heading, None where there is none."""
    word = plain_word(name)
    return next(
        (
            column
            for column in columns(of.row_type)
            if word in (plain_word(column.name), plain_word(column.title.rstrip("*= ")))
        ),
        None,
    )


def _titled(column: Column) -> Column:
    """Return a column that tables leave out with a heading: its name in words."""
    words = column.name.replace("_", " ")
    return replace(column, title=(words[:1].upper() + words[1:]).replace("macs", "MACs"))


def sort_column(of: Section, name: str) -> Column:
    """Return the column that a reader calls `name`: its field, or its heading without signs."""
    known = columns(of.row_type)
    for column in known:
        if name in (column.name, column.title.rstrip("*= ").lower()):
            return column
    numbers = [column.name for column in known if column.kind not in ("text", "path", "shape")]
    raise UsageError(
        f"{of.name} cannot be sorted by {name!r}; there are {', '.join(numbers)}."
        + did_you_mean(name, numbers)
    )


def unsorted(report: Report, view: View) -> str:
    """Return that rows are not sorted, as none has a value to be sorted by; else nothing."""
    if view.sort is None or view.total or not report.sections:
        return ""
    of = report.spread(section(report, view.by))
    column = sort_column(of, view.sort)
    if not of.rows or any(getattr(row, column.name) not in (None, "", ()) for row in of.rows):
        return ""
    heading = (column.title or _titled(column).title).replace("*", "")
    return f"not sorted: {heading!r} is empty in every row of {of.name}"


def largest_first(items: Sequence[T], read: Callable[[T], Any]) -> tuple[T, ...]:
    """Return items with the largest value first, unknown ones last; words from A to Z."""
    known = [(read(item), item) for item in items]
    unknown = [item for value, item in known if value is None]
    words = any(isinstance(value, str) for value, _ in known)
    ranked = sorted(
        (pair for pair in known if pair[0] is not None), key=lambda pair: pair[0], reverse=not words
    )
    return (*(item for _, item in ranked), *unknown)


def size(column: Column) -> Callable[[Any], Any]:
    """Return by what values of a column are ranked: a difference by how large it is either way."""
    return lambda value: abs(value) if column.signed and value is not None else value


def records(report: Report, of: Section, view: View) -> tuple[Any, ...]:
    """Return rows for a format that machines read: unfolded, sorted by what each does itself.

    `max_depth` is for readers: without the modules below it, the `own` columns would not add up.
    """
    rows: tuple[Any, ...] = tuple(of.rows)
    if view.sort is not None:
        spread = report.spread(of)
        column = sort_column(spread, view.sort)
        own = f"own_{column.name}"
        by = own if any(each.name == own for each in columns(spread.row_type)) else column.name
        rank = size(column)
        pairs = zip(spread.rows, of.rows, strict=True)
        ranked = largest_first(tuple(pairs), lambda pair: rank(getattr(pair[0], by)))
        rows = tuple(row for _, row in ranked)
    return rows if view.top is None else rows[: view.top]


def shown_to_machines(of: Section, view: View) -> Sequence[Column]:
    """Return all columns, or those that a view names."""
    return named_columns(of, view.columns) if view.columns else columns(of.row_type)


def objects(report: Report, of: Section, view: View) -> Iterator[dict[str, Any]]:
    """Yield every row that a machine reads as a JSON object, in the order of its fields."""
    names = [column.name for column in shown_to_machines(of, view)]
    return ({name: getattr(row, name) for name in names} for row in records(report, of, view))


def totals(report: Report) -> Any:
    """Return the totals of a report; raises `UsageError` where it has none."""
    if report.totals is None:
        raise UsageError(f"the {report.command} report has no totals.")
    return report.totals
