"""A static HTML table for a notebook: escaped, without scripts, styled on its own cells alone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from archscope.present._grid import Grid, Heading
from archscope.present._page import Page, page
from archscope.results import Report, View

_NO_BREAK_SPACE = "\u00a0"
_SIDES = {"name": "left", "words": "left", "number": "right", "share": "right", "bar": "left"}


def render(report: Report, view: View) -> str:
    """Return a report as one `<div>`, folded like the terminal's table."""
    shown = page(report, view)
    below = [*shown.summary, *([shown.footnote] if shown.footnote else [])]
    below += [f"{each.word}  {' '.join((each.text, *each.details))}" for each in shown.remarks]
    table = "" if shown.grid is None else _table(shown, shown.grid)
    return f"<div>{table}{''.join(f'<p>{escape(line)}</p>' for line in below)}</div>\n"


def _table(shown: Page, grid: Grid) -> str:
    head = "".join(_cell("th scope='col'", heading.title, heading) for heading in grid.headings)
    body = "".join(_row(row, grid.headings) for row in grid.body)
    foot = "" if grid.total is None else f"<tfoot>{_row(grid.total, grid.headings)}</tfoot>"
    return (
        f"<table><caption>{escape(shown.title)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table>"
    )


def _row(cells: Sequence[str], headings: Sequence[Heading]) -> str:
    first = _cell("th scope='row'", cells[0], headings[0])
    others = map(_cell, ["td"] * (len(cells) - 1), cells[1:], headings[1:])
    return f"<tr>{first}{''.join(others)}</tr>"


def _cell(tag: str, text: str, heading: Heading) -> str:
    side = _SIDES[heading.role]
    shown = escape(text).replace("  ", _NO_BREAK_SPACE * 2)
    return f"<{tag} style='text-align:{side}'>{shown}</{tag.partition(' ')[0]}>"
