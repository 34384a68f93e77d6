"""Which rows of a section a table shows, and what those are that it leaves out."""

from __future__ import annotations

from dataclasses import replace

from archscope.results import Report, Section, View


def shown(section: Section, view: View) -> Section:
    """Return a section without the rows that a table leaves out, unless all are asked for."""
    if view.expand or view.sort or view.top or not section.shown_by:
        return section
    return replace(section, rows=tuple(r for r in section.rows if getattr(r, section.shown_by)))


def left_out_are(section: Section, number: int) -> str:
    """Return what so many rows are that `shown` leaves out."""
    return f"{number:,} {section.others[number != 1]}"


def summary(report: Report, section: Section, view: View) -> tuple[str, ...]:
    """Return a line on the rows that are left out, none where all are shown."""
    left_out = len(section.rows) - len(shown(section, view).rows)
    return (f"+ {left_out_are(section, left_out)}",) if left_out else ()
