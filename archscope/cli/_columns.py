"""Lists in columns, as wide as the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from textwrap import wrap
from typing import Any

import click

from archscope.cli._output import terminal

_LEAST, _LEAST_LAST, _LEAST_CUT = 14, 28, 8
"""Characters that a column keeps, and the last one, whole or cut, however narrow a terminal is."""
_HUNG = 6
"""Characters that what belongs to an entry stands farther right."""


def write_heading(text: str) -> None:
    """Write a line, on a terminal as several where it is longer than that."""
    width = _width()
    click.echo(text if width is None else "\n".join(_within(text, width)))


def write_text(text: str) -> None:
    """Write paragraphs and indented lists, on a terminal no wider than it is."""
    width = _width()
    blocks = (_block(each, width) for each in text.strip("\n").split("\n\n"))
    click.echo("\n\n".join(blocks))


def _block(text: str, width: int | None) -> str:
    lines = text.splitlines()
    if width is None or max(map(len, lines)) <= width:
        return text
    if any(line.startswith(" ") for line in lines):
        return "\n".join(part for line in lines for part in _hung(line, width))
    return "\n".join(_within(" ".join(lines), width))


def write_hung(line: str, more: str = "") -> None:
    """Write an entry whose further lines, and what is said of it, stand below it, farther right."""
    width = _width() or max(map(len, (line, more))) + 2 * _HUNG
    click.echo("\n".join(wrap(line, width, initial_indent="  ", **_below(_HUNG))))
    if more:
        click.echo("\n".join(" " * _HUNG + part for part in _within(more, width - _HUNG)))


def _below(indent: int) -> dict[str, Any]:
    return {
        "subsequent_indent": " " * indent,
        "break_on_hyphens": False,
        "break_long_words": False,
    }


def _hung(line: str, width: int) -> list[str]:
    """Return a line of a list as several: what follows its first gap stays below itself."""
    gap = re.match(r" +\S+(?: \S+)* {2,}", line)
    start = gap.end() if gap else 0
    if start > width // 2 or not gap:
        return wrap(line, width, **_below(_HUNG)) or [line]
    return wrap(line[start:], width, initial_indent=gap[0], **_below(start))


def write_columns(rows: Iterable[tuple[str, ...]], *, cut: bool = False) -> None:
    """Write rows in columns; on a terminal long cells go over lines, or are `cut` to one."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    width = _width()
    last = _LEAST_CUT if cut else _LEAST_LAST
    if width is not None:
        for place in reversed(range(1, len(widths))):
            least = last if place == len(widths) - 1 else _LEAST
            over = sum(widths) + 2 * len(widths) - width
            widths[place] = max(widths[place] - max(over, 0), min(widths[place], least))
    narrow = width is not None and sum(widths) + 2 * len(widths) > width
    if narrow and not cut:
        for row in table:
            first, *others = filter(None, row)
            write_hung(first, " · ".join(others))
        return
    while narrow and len(widths) > 1 and sum(widths) + 2 * len(widths) > (width or 0):
        widths.pop()
    for row in table:
        row = row[: len(widths)]
        if cut:
            pairs = zip(row, widths, strict=True)
            row = tuple(cell[: n - 1] + "…" if len(cell) > n else cell for cell, n in pairs)
        click.echo("\n".join(_lines(row, widths)))


def _width() -> int | None:
    found: int | None = terminal(wide=False, color="never", output=None)["width"]
    return found


def _lines(row: tuple[str, ...], widths: list[int]) -> Iterator[str]:
    """Yield a row as lines, each cell within its column."""
    cells = [_within(cell, width) for cell, width in zip(row, widths, strict=True)]
    for parts in zip_longest(*cells, fillvalue=""):
        padded = (part.ljust(width) for part, width in zip(parts, widths, strict=True))
        yield "  " + "  ".join(padded).rstrip()


def _within(cell: str, width: int) -> list[str]:
    if len(cell) <= width:
        return [cell]
    # Words of a choice may stand below each other.
    lines = wrap(cell.replace("|", "| "), width, break_on_hyphens=False, break_long_words=False)
    return [line.replace("| ", "|") for line in lines]
