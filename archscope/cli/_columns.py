"""Lists in columns, as wide as the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from textwrap import wrap

import click

from archscope.cli._output import terminal

_LEAST, _LEAST_LAST, _LEAST_CUT = 14, 28, 8
"""Characters that a column keeps, and the last one, whole or cut, however narrow a terminal is."""


def write_heading(text: str) -> None:
    """Write a line, on a terminal as several where it is longer than that."""
    width = _width()
    click.echo(text if width is None else "\n".join(_within(text, width)))


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
    for row in table:
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
