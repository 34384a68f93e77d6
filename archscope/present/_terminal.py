"""Draws a table for a terminal: folded, with shares, bars, totals and notes."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.cells import cell_len

from archscope.present._fit import Fitted, fit, shorten
from archscope.present._page import Page, Remark, page
from archscope.results import Report, View

if TYPE_CHECKING:
    from rich.console import Console

LONG_TABLE = 40
"""Rows of a table from which on the verdict stands above it, where it is not scrolled away."""
LONGEST_TITLE = 3
"""Lines that a title may take in a terminal before it loses its middle."""
_STYLES = {"WARNING": "bold yellow", "INFO": "bold", "OK": "bold green"}
_RIGHT = ("number", "share")

Line = tuple[tuple[str, str], ...]
"""Pieces of text, each with its style in Rich's words; empty for none."""


def render(report: Report, view: View) -> str:
    """Return a report as a table; see `Format.render`."""
    shown = page(report, view)
    ellipsis = "..." if view.ascii else "…"
    fitted = None if shown.grid is None else fit(shown.grid, view.width, ellipsis=ellipsis)
    is_long = shown.grid is not None and len(shown.grid.body) > LONG_TABLE
    verdict = [remark for remark in shown.remarks if is_long and remark.word != "INFO"]
    rest = [remark for remark in shown.remarks if remark not in verdict]
    above = _above(shown, verdict, view, ellipsis)
    below = _below(shown, rest, fitted, view)
    table = [] if fitted is None else _table(fitted, view)
    if view.width is None and not view.color:
        text = "\n".join(map(_plain, (*above, *table, *below)))
    else:
        text = _drawn(above, table, below, view)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _plain(line: Line) -> str:
    return "".join(text for text, _ in line)


def _drawn(above: Sequence[Line], table: Sequence[Line], below: Sequence[Line], view: View) -> str:
    """Return lines with colours, prose wrapped at the terminal's edge; the table fits already."""
    from rich.text import Text  # takes longer to import than all else takes to answer

    file = StringIO()
    console = _console(view, _width([*above, *below], view), file)
    for prose, lines in ((True, above), (False, table), (True, below)):
        for line in lines:
            text = Text.assemble(*line)
            if prose:
                console.print(text, overflow="fold")
            else:
                console.print(text, no_wrap=True, overflow="ignore", crop=False)
    return file.getvalue()


def _above(shown: Page, verdict: Sequence[Remark], view: View, ellipsis: str) -> list[Line]:
    title = shown.title
    if view.width is not None:
        title = shorten(title, LONGEST_TITLE * view.width, ellipsis)
    return [((title, "bold"),), *(line for each in verdict for line in _remark(each, view))]


def _below(shown: Page, remarks: Sequence[Remark], fitted: Fitted | None, view: View) -> list[Line]:
    texts = [*shown.summary, *([shown.footnote] if shown.footnote else [])]
    lines: list[Line] = [((text, ""),) for text in texts]
    lines += [line for remark in remarks for line in _remark(remark, view)]
    if fitted is not None and fitted.hidden:
        hidden = ", ".join(fitted.hidden)
        lines.append(((f"hidden at this width: {hidden} (--wide shows all)", ""),))
    return lines


def _remark(remark: Remark, view: View) -> list[Line]:
    """Return a remark and its details; all lines but the first hang below its text."""
    word = (remark.word, _STYLES.get(remark.word, "bold"))
    indent = len(remark.word) + 2
    lines = [
        line
        for text in (remark.text, *remark.details)
        for line in ([text] if view.width is None else _wrapped(text, view.width - indent))
    ]
    first: Line = (word, (f"  {lines[0]}", ""))
    return [first, *(((" " * indent + line, ""),) for line in lines[1:])]


def _table(fitted: Fitted, view: View) -> list[Line]:
    """Return the lines of a table.

    Rich's own Table takes eight seconds for the 13,000 lines of 1,000 unfolded blocks; with all
    widths known, laying the cells out takes a twentieth of that.
    """
    grid = fitted.grid
    head = _row([heading.title for heading in grid.headings], fitted)
    rule = ("-" if view.ascii else "─") * fitted.width
    body = "\n".join(_row(row, fitted) for row in grid.body)
    lines: list[Line] = [((head, "bold"),), ((rule, ""),), *([((body, ""),)] if body else [])]
    if grid.total is not None:
        lines += [(("", ""),), ((_row(grid.total, fitted), "bold"),)]
    return lines


def _row(cells: Sequence[str], fitted: Fitted) -> str:
    """Return one row, on several lines where words wrap."""
    wrapped = [
        [cell] if cell_len(cell) <= width else _wrapped(cell, width)
        for cell, width in zip(cells, fitted.widths, strict=True)
    ]
    return "\n".join(_line(line, fitted) for line in zip_longest(*wrapped, fillvalue=""))


def _line(cells: Sequence[str], fitted: Fitted) -> str:
    padded = (
        " " * (width - cell_len(cell)) + cell
        if heading.role in _RIGHT
        else cell + " " * (width - cell_len(cell))
        for cell, width, heading in zip(cells, fitted.widths, fitted.grid.headings, strict=True)
    )
    return (" " * fitted.gap).join(padded).rstrip()


def _wrapped(cell: str, width: int) -> list[str]:
    from rich.text import Text

    console = _console(View(), max(width, 1), StringIO())
    return [line.plain.rstrip() for line in Text(cell).wrap(console, width, overflow="fold")]


def _width(prose: Sequence[Line], view: View) -> int:
    """Return where prose wraps: at the terminal's edge, else nowhere."""
    if view.width is not None:
        return max(1, view.width)
    return max(1, *(cell_len(_plain(line)) for line in prose))


def _console(view: View, width: int, file: StringIO) -> Console:
    """Return a console that draws the same everywhere: nothing is read from where it runs."""
    from rich.console import Console

    return Console(
        file=file,
        width=width,
        color_system="standard" if view.color else None,
        force_terminal=view.color,
        no_color=not view.color,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )
