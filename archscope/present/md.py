"""Markdown, folded like the terminal's table: the comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archscope.present import Format
from archscope.present._grid import Grid, Heading
from archscope.present._page import page
from archscope.results import Report, View

# Every sign that Markdown could read; `_` only at the edge of a word, where it is emphasis.
_MARKUP = re.compile(r"[\\`*\[\]|~#!]|(?<![^\W_])_|_(?![^\W_])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_RULES = {"name": ":--", "words": ":--", "number": "--:", "share": "--:"}


def render(report: Report, view: View) -> str:
    """Return a report as Markdown; see `Format.render`."""
    shown = page(report, view)
    blocks = [f"**{_escape(shown.title)}**"]
    if shown.grid is not None:
        blocks.append("\n".join(_table(shown.grid)))
    blocks += [_escape(line) for line in shown.summary]
    if shown.footnote is not None:
        blocks.append(_escape(shown.footnote))
    if shown.remarks:
        blocks.append(
            "\n".join(
                "\n  - ".join(
                    [f"- **{each.word}** {_escape(each.text)}", *map(_escape, each.details)]
                )
                for each in shown.remarks
            )
        )
    return "\n\n".join(blocks) + "\n"


def _table(grid: Grid) -> list[str]:
    kept = [index for index, heading in enumerate(grid.headings) if heading.role != "bar"]
    headings = [grid.headings[index] for index in kept]
    rows = [[_escape(row[index]) for index in kept] for row in grid.body]
    if grid.total is not None:
        rows.append([_bold(_escape(grid.total[index])) for index in kept])
    return [_line(_titles(headings)), _line([_RULES[each.role] for each in headings])] + [
        _line(row) for row in rows
    ]


def _titles(headings: Sequence[Heading]) -> list[str]:
    return [_escape(heading.title) for heading in headings]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bold(text: str) -> str:
    return f"**{text}**" if text else ""


def _escape(text: str) -> str:
    r"""Return text that Markdown shows as it is.

    >>> _escape("a|b <i> `c` __init__")
    'a\\|b &lt;i&gt; \\`c\\` \\_\\_init\\_\\_'
    """
    escaped = _MARKUP.sub(lambda found: f"\\{found.group()}", text)
    return re.sub("[&<>]", lambda found: _ENTITIES[found.group()], escaped)


FORMAT = Format(
    name="md",
    summary="Markdown, for a pull request",
    suffixes=(".md", ".markdown"),
    render=render,
)
