"""Several axes together: along a single path an output sees the product of what it sees on each."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeVar

from archscope.records import frozen
from archscope.theory.combs import combs
from archscope.theory.gridding import Gridding, gridding, suffixes
from archscope.theory.layers import Path

T = TypeVar("T")


def each(function: Callable[..., T], *along: Sequence[Any]) -> tuple[T, ...]:
    """Return what a function says of every axis, asked once for those that are alike.

    >>> each(lambda kernel, rate: (kernel - 1) * rate, (3, 5, 3), (2, 1, 2))
    (4, 4, 4)
    """
    known: dict[tuple[Any, ...], T] = {}
    found = []
    for key in zip(*along, strict=True):
        if key not in known:
            known[key] = function(*key)
        found.append(known[key])
    return tuple(found)


@frozen
class View:
    """The layers of a single path from one map to the output, and how they grid that map."""

    start: int
    """Index of the first layer; 0 is the whole path."""
    reads: str
    """Name of the map that it reads: `input`, or the layer that made it."""
    first: str
    """Name of its first layer."""
    last: str
    """Name of its last layer."""
    axes: tuple[Gridding, ...]
    """Along each axis by itself, in positions of that map."""

    @property
    def hull(self) -> tuple[int, ...]:
        """Positions from the first to the last that an output sees, along each axis."""
        return tuple(row.hull for row in self.axes)

    @property
    def positions(self) -> int:
        """Positions of that window over all axes."""
        return prod(self.hull)

    @property
    def reached(self) -> int | None:
        """Positions of it that an output sees, over all axes; None where out of reach."""
        touched = self.along("touched")
        return None if touched is None else prod(touched)

    @property
    def coverage(self) -> float | None:
        """Share of the window that is seen, over all axes."""
        shares = self.along("coverage")
        return None if shares is None else prod(shares)

    @property
    def is_full(self) -> bool:
        """Whether all of the window is seen; always known."""
        return all(row.is_full for row in self.axes)

    @property
    def networks(self) -> int | None:
        """Interleaved networks into which the outputs fall, over all axes."""
        streams = self.along("streams")
        return None if streams is None else prod(streams)

    @property
    def coupling_depth(self) -> int | None:
        """Trailing layers until neighbours along every axis share a unit; None: some never do."""
        depths = self.along("coupling_depth")
        return None if depths is None else max(depths)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the fields of an axis that are None because they were out of reach."""
        return tuple(dict.fromkeys(name for row in self.axes for name in row.unknown))

    def along(self, name: str) -> tuple[Any, ...] | None:
        """Return a field of `Gridding` along each axis; None where one is None."""
        found = tuple(getattr(row, name) for row in self.axes)
        return None if None in found else found


def views(path: Path, starts: Sequence[int]) -> tuple[View, ...]:
    """Return how some maps of a single path are seen, by the index of the layer that reads each.

    >>> from archscope.theory.layers import dilated
    >>> views((dilated((1, 2)), dilated((3, 3))), (0,))[0].hull
    (7, 13)
    """
    if not path[0]:
        return (
            View(start=0, reads="input", first="input", last="input", axes=each(gridding, path)),
        )
    found = each(lambda stack: suffixes(stack, starts), path)
    return tuple(
        View(
            start=one[0].start,
            reads=one[0].reads,
            first=one[0].first,
            last=one[0].last,
            axes=tuple(suffix.gridding for suffix in one),
        )
        for one in zip(*found, strict=True)
    )


def worst_view(found: Sequence[View], path: Path) -> View | None:
    """Return the view with most streams and, among those, least coverage; None if all are clear.

    An axis of one comb is left out: a single dilated layer always samples every so many positions.
    """
    return max((view for view in found if _is_gridded(view, path)), key=_harm, default=None)


def _is_gridded(view: View, path: Path) -> bool:
    return any(
        not row.is_full and len(combs(stack[view.start :])) > 1
        for row, stack in zip(view.axes, path, strict=True)
    )


def _harm(view: View) -> tuple[int, float]:
    return max(row.streams or 0 for row in view.axes), -(view.coverage or 0.0)
