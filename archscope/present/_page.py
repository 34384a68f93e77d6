"""Everything that a reader sees around a table: title, summary, the meaning of FLOP, notes."""

from __future__ import annotations

from archscope.present import _format, _grid, _lines, _select, _summary, _totals
from archscope.present._grid import Grid, Heading
from archscope.records import frozen
from archscope.results import Note, Report, View


@frozen
class Remark:
    """A note, ready to print."""

    word: str
    """`WARNING`, `INFO` or `OK`."""
    text: str
    details: tuple[str, ...]
    """Lines that go with it."""


@frozen
class Page:
    """A report as text in parts, all safe to print; formats only lay it out."""

    title: str
    grid: Grid | None
    summary: tuple[str, ...]
    """Lines right under the table."""
    footnote: str | None
    """What the asterisk at FLOPs means, and the totals in both conventions."""
    remarks: tuple[Remark, ...]


def page(report: Report, view: View) -> Page:
    """Return what `view` shows of `report`; raises `UsageError` where that is not there."""
    section = report.spread(_select.section(report, view.by))
    listed = _select.listed(section, view)
    root = None if view.total else _lines.tree(listed)
    grid = _totals_grid(report, view) if view.total else _grid.grid(report, listed, root, view)
    summary: list[str] = []
    if not view.total:
        for line in section.summary:
            summary += _summary.summary(report, line, view)
        summary += _select.left_out(section, view)
    found = footnote(report, view)
    return Page(
        title=_safe(report.title, view),
        grid=grid,
        summary=tuple(_safe(line, view) for line in summary),
        footnote=None if found is None else _safe(found, view),
        remarks=tuple(_remark(note, view) for note in dict.fromkeys(report.notes)),
    )


def _totals_grid(report: Report, view: View) -> Grid | None:
    """Return the totals as a table of two columns, None where the report has none."""
    if report.totals is None:
        return None
    headings = (
        Heading(title="Total", full="Total", role="name", drop=0),
        Heading(title="", full="", role="number", drop=0),
    )
    grid = Grid(headings=headings, body=_totals.listed(report), total=None)
    return _grid.translated(grid, view)


def _safe(text: str, view: View) -> str:
    safe = _format.safe_label(text)
    return _format.ascii_only(safe) if view.ascii else safe


def _remark(note: Note, view: View) -> Remark:
    details = tuple(_safe(detail, view) for detail in note.details)
    return Remark(word=note.level.upper(), text=_safe(note.text, view), details=details)


def footnote(report: Report, view: View) -> str | None:
    if report.convention is None:
        return None
    text = f"* {report.convention.text.rstrip('. ')}."
    macs = getattr(report.totals, "macs", None)
    if macs is None:
        return text
    sign = _totals.lower_bound(report)
    once, twice = (_format.work(n * macs, exact=view.exact) for n in (1, 2))
    bound = " (lower bounds)" if sign else ""
    return f"{text} MACs {sign}{once}; 2 × MACs {sign}{twice}{bound}."
