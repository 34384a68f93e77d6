"""A report in a notebook: what stands on the first screen of its page, and the table.

Escaped, without scripts and without a network, styled on its own elements alone: it stays as it is
where the notebook is exported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from archscope.present._grid import Grid, Heading
from archscope.present._page import Page, page
from archscope.present.html.charts import drawings
from archscope.present.html.findings import MOST, Finding, findings
from archscope.present.html.lead import picture
from archscope.present.html.svg import svg
from archscope.present.html.tiles import Tile, tiles
from archscope.results import Report, View

_NO_BREAK_SPACE = "\u00a0"
_ROW = "display:flex;flex-wrap:wrap;gap:8px;margin:6px 0"
_TILE = "flex:1 1 150px;border:1px solid #8884;border-radius:6px;padding:6px 10px;min-width:0"
_SIDES = {"name": "left", "words": "left", "number": "right", "share": "right", "bar": "left"}


def render(report: Report, view: View) -> str:
    """Return a report as one `<div>`: numbers, pictures, what to look at, and the folded table."""
    shown = page(report, view)
    below = [*shown.summary, *([shown.footnote] if shown.footnote else [])]
    table = "" if shown.grid is None else _table(shown, shown.grid)
    parts = (*_head(report), table, *(f"<p>{escape(line)}</p>" for line in below))
    return f"<div>{''.join(parts)}{_rest(report)}</div>\n"


def _head(report: Report) -> Iterator[str]:
    every = tiles(report)
    if every:
        yield f"<div style='{_ROW}'>{''.join(map(_tile, every))}</div>"
    drawn = [(each, svg(each.figure, each.caption)) for each in picture(drawings((report,)), 1)]
    pictures = [_picture(each.title, made) for each, made in drawn if made]
    if pictures:
        yield f"<div style='{_ROW}'>{''.join(pictures)}</div>"
    yield from (_finding(each) for each in findings(report)[:MOST] if each.level != "info")


def _tile(tile: Tile) -> str:
    word = {"ok": "OK ", "warning": "WARNING "}.get(tile.level, "")
    return (
        f"<div style='{_TILE}'>{escape(tile.name)}<br><b style='font-size:1.4em'>"
        f"{escape(tile.value)}</b><br><small>{word}{escape(tile.detail)}</small></div>"
    )


def _picture(title: str, made: str) -> str:
    return f"<div style='{_TILE};flex:1 1 420px'><b>{escape(title)}</b><br>{made}</div>"


def _finding(finding: Finding) -> str:
    said = " ".join((finding.text, *finding.details))
    return f"<p><b>{finding.word}</b> {escape(said)}</p>"


def _rest(report: Report) -> str:
    """Return what else was found, folded: how it was obtained."""
    every = findings(report)
    rest = [each for number, each in enumerate(every) if number >= MOST or each.level == "info"]
    if not rest:
        return ""
    told = "".join(map(_finding, rest))
    return f"<details><summary>and {len(rest)} more</summary>{told}</details>"


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
