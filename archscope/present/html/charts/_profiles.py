"""Paths from each position of a map to one output, from the rows of a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archscope.present.html.charts import section
from archscope.records import frozen
from archscope.results import Report
from archscope.theory.layers import Layer
from archscope.theory.paths import path_counts

MOST_CELLS = 257
"""Positions along an axis up to which a map is drawn; beyond, only the profile along an axis."""
Branch = tuple[int, tuple[int, ...]]
"""The first position that a branch sees, and the paths from each position on."""


@frozen
class Profile:
    """Paths from each position of a map to one output, along one axis."""

    map: str
    """The map that is read: the input, or what a layer made."""
    counts: tuple[int, ...]
    """Paths; 0 is a hole."""
    start: int
    """Position of the first one."""
    worst: bool
    """Whether it is a map within that is seen worse than the input."""


def profiles(report: Report) -> Iterator[Profile]:
    """Yield the profile of the input, and of the map within that is seen worst."""
    found = section(report, "rf.positions")
    if found is None:
        return
    counts = tuple(row.paths for row in found.rows)
    yield Profile(map="the input", counts=counts, start=found.rows[0].position, worst=False)
    yield from _worst_within(report)


def _worst_within(report: Report) -> Iterator[Profile]:
    layers = section(report, "rf.layers")
    maps = section(report, "rf.maps")
    if layers is None or maps is None or section(report, "rf.branches"):
        return
    several = [row for row in maps.rows[1:] if row.layers > 1 and row.coverage is not None]
    worst = min(several, key=lambda row: row.coverage, default=None)
    if worst is None or worst.coverage == 1 or worst.coverage >= (maps.rows[0].coverage or 0):
        return
    names = [row.layer for row in layers.rows]
    stack = _stack(layers.rows[names.index(worst.reads) + 1 :] if worst.reads in names else ())
    counts = path_counts(stack) if stack else None
    if counts and len(counts) <= MOST_CELLS:
        start = -(len(counts) // 2)
        yield Profile(map=f"the map of {worst.reads}", counts=counts, start=start, worst=True)


def branches(report: Report) -> list[Branch]:
    """Return the first position and the path counts of each branch; none where any is unknown."""
    rows = section(report, "rf.branches")
    layers = section(report, "rf.layers")
    found: list[Branch] = []
    if rows is None or layers is None:
        return found
    for branch in rows.rows[:-1]:  # the last is their union
        own = [row for row in layers.rows if row.layer.startswith(f"{branch.branch}.")]
        stack = _stack(own)
        counts = path_counts(stack) if stack and own[-1].start is not None else None
        if counts is None:
            return []
        found.append((own[-1].start[0], counts))
    return found


def _stack(rows: Sequence[Any]) -> tuple[Layer, ...]:
    """Return the layers of a closed form along one axis; none of modules, which may branch."""
    if any(row.type or not row.kernel for row in rows):
        return ()
    return tuple(
        Layer(kernel=row.kernel[0], stride=row.stride[0], dilation=row.dilation[0], kind=row.kind)
        for row in rows
    )


def paths_at(branch: Branch, position: int) -> int:
    """Return the paths from one position through a branch."""
    start, counts = branch
    return counts[position - start] if 0 <= position - start < len(counts) else 0
