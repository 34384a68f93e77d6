"""Fits a grid into a terminal: whole columns go first, then long names lose their middle.

Names and counts are never dropped, and nothing is cut where the width is not given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.cells import cell_len

from archscope.present._grid import Grid
from archscope.records import frozen

GAP = 2
"""Blank characters between two columns."""
NARROW_GAP = 1
SHORTEST_NAME = 8
SHORTEST_WORDS = 12
"""Words (a definition, a closed form) wrap; they are not squeezed below this many characters."""
_ARROWS = (" → ", " -> ")


@frozen
class Fitted:
    """A grid and how wide each of its columns is."""

    grid: Grid
    widths: tuple[int, ...]
    gap: int
    hidden: tuple[str, ...]
    """The columns that are not shown for lack of room."""

    @property
    def width(self) -> int:
        """Characters of a whole line."""
        return sum(self.widths) + self.gap * (len(self.widths) - 1)


def fit(grid: Grid, width: int | None, *, ellipsis: str) -> Fitted:
    """Return `grid` in at most `width` characters where that can be; None: as wide as it needs."""
    if width is None:
        return _measured(grid)
    fitted = _dropped(grid, width)
    if fitted.width > width:
        # One endless name should not cost every other name its columns.
        half = max(width // 2, SHORTEST_NAME)
        fitted = _dropped(_cut_names(grid, half, ellipsis), width)
    return fitted if fitted.width <= width else _narrow(fitted, width, ellipsis)


def shorten(text: str, width: int, ellipsis: str) -> str:
    """Return `text` without its middle, so that it takes at most `width` characters.

    >>> shorten("encoder.layer.11.output", 12, "…")
    'encod…output'
    """
    if cell_len(text) <= width:
        return text
    kept = max(width - cell_len(ellipsis), 0)
    while True:
        start = kept // 2
        short = text[:start] + ellipsis + (text[-(kept - start) :] if kept > start else "")
        if cell_len(short) <= width or kept == 0:
            return short
        kept -= 1


def _measured(grid: Grid) -> Fitted:
    widths = tuple(
        max(map(cell_len, (heading.title, *cells)))
        for heading, cells in zip(grid.headings, _by_column(grid), strict=True)
    )
    return Fitted(grid=grid, widths=widths, gap=GAP, hidden=())


def _dropped(grid: Grid, width: int) -> Fitted:
    fitted = _measured(grid)
    while fitted.width > width and (goes := _least_needed(fitted.grid)) is not None:
        fitted = _without(fitted, goes)
    return fitted


def _by_column(grid: Grid) -> list[tuple[str, ...]]:
    rows = [*grid.body, *([grid.total] if grid.total else [])]
    return list(zip(*rows, strict=True)) if rows else [()] * len(grid.headings)


def _least_needed(grid: Grid) -> int | None:
    """Return the column that goes next: of the highest rank, the one furthest to the right."""
    ranks = [(heading.drop, index) for index, heading in enumerate(grid.headings) if heading.drop]
    return max(ranks)[1] if ranks else None


def _without(fitted: Fitted, gone: int) -> Fitted:
    kept = [index for index in range(len(fitted.widths)) if index != gone]
    grid = fitted.grid
    return Fitted(
        grid=Grid(
            headings=tuple(grid.headings[index] for index in kept),
            body=tuple(tuple(row[index] for index in kept) for row in grid.body),
            total=grid.total and tuple(grid.total[index] for index in kept),
        ),
        widths=tuple(fitted.widths[index] for index in kept),
        gap=fitted.gap,
        hidden=(*fitted.hidden, grid.headings[gone].full),
    )


def _narrow(fitted: Fitted, width: int, ellipsis: str) -> Fitted:
    """Return a grid that loses, in this order: explanations, blanks, words, the middle of names."""
    fitted = replace(_measured(_terse(fitted.grid)), hidden=fitted.hidden)
    if fitted.width > width:
        fitted = replace(fitted, gap=NARROW_GAP)
    widths = _squeezed(fitted, width)
    if widths is None:
        words = [index for index, each in enumerate(fitted.grid.headings) if each.role == "words"]
        if words:
            return _narrow(_without(fitted, words[-1]), width, ellipsis)
        widths = (SHORTEST_NAME, *fitted.widths[1:])
    return replace(fitted, grid=_cut_names(fitted.grid, widths[0], ellipsis), widths=widths)


def _terse(grid: Grid) -> Grid:
    """Return the grid with `tied → tok_emb` as `tied`."""
    numbers = {index for index, each in enumerate(grid.headings) if each.role == "number"}
    body = tuple(
        tuple(_before_arrow(cell) if index in numbers else cell for index, cell in enumerate(row))
        for row in grid.body
    )
    return replace(grid, body=body)


def _before_arrow(cell: str) -> str:
    for arrow in _ARROWS:
        cell = cell.partition(arrow)[0]
    return cell


def _squeezed(fitted: Fitted, width: int) -> tuple[int, ...] | None:
    """Return widths that fit, with words and names as short as they must be; None where none do."""
    widths = list(fitted.widths)
    excess = fitted.width - width
    words = [index for index, each in enumerate(fitted.grid.headings) if each.role == "words"]
    for index, least in [*((index, SHORTEST_WORDS) for index in words), (0, SHORTEST_NAME)]:
        taken = min(max(widths[index] - least, 0), max(excess, 0))
        widths[index] -= taken
        excess -= taken
    return None if excess > 0 else tuple(widths)


def _cut_names(grid: Grid, width: int, ellipsis: str) -> Grid:
    def cut(row: Sequence[str]) -> tuple[str, ...]:
        return (shorten(row[0], width, ellipsis), *row[1:])

    headings = (
        replace(grid.headings[0], title=shorten(grid.headings[0].title, width, ellipsis)),
        *grid.headings[1:],
    )
    return Grid(
        headings=headings, body=tuple(map(cut, grid.body)), total=grid.total and cut(grid.total)
    )
