"""Compares two answers: what an outline says, and what the operators do.

An outline is of the longest path, without readers of all positions; it is compared with what the
operators see without these. Where one of the two is only a bound, it must be on its side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from archscope.analyses.rf.answer import Answer
from archscope.analyses.rf.numbers import counted
from archscope.analyses.rf.rows import LayerRow, Sizes
from archscope.analyses.rf.totals import Totals
from archscope.errors import ArchscopeError
from archscope.records import frozen
from archscope.results import Note
from archscope.theory.outline import Outline

CHEAP_WORK = 1 << 19
"""Layers times positions of the input along an axis, up to which the operators are looked at
unasked: a second or two. Of attention they are pairs of positions, of which so many at once."""
OF_WINDOWS = 4
"""Positions of a window that cost as much as one of the network's own input."""
LARGEST_WINDOW = 1 << 20
"""Positions of a window along an axis up to which the operators are looked at unasked."""
PAIRS_AT_ONCE = 64
MOST_WORK = 1 << 22
"""The same, up to which a network is run to verify its outline: half a minute."""
MOST_ELEMENTS = 1 << 26
"""Elements of all maps of one channel, up to which that is done."""
MOST_TAPS = 1 << 25
"""Elements times taps that one layer may hold at once, up to which that is done."""


@frozen
class _Pair:
    """One number, as each road has it."""

    what: str
    """What it is, as a sentence says it."""
    said: object
    """By the outline."""
    found: object
    """By the operators."""
    agrees: bool
    """Whether they are equal, or where one is a bound, on its side."""


def is_cheap(outline: Outline, closed: Answer) -> bool:
    """Return whether the operators can be looked at in passing."""
    work = work_of_looking(outline, closed)
    return work is not None and work <= CHEAP_WORK


def work_of_looking(outline: Outline, closed: Answer) -> int | None:
    """Return what looking at the operators costs, as `CHEAP_WORK` counts it; None: too much.

    What is left out of a partial outline may be the most of it. An input is made larger until a
    window fits; one that never does would be looked for in vain.
    """
    window = max(closed.totals.receptive_field)
    if outline.partial or window > LARGEST_WINDOW:
        return None
    return max(_work(outline, closed), _layers(closed) * window // OF_WINDOWS)


def is_possible(outline: Outline, closed: Answer) -> bool:
    """Return whether the network can be run."""
    positions = prod(_sizes(outline, closed))
    layers = _layers(closed)
    taps = max((prod(row.kernel or ()) for row in closed.layers), default=1)
    fits = layers * positions <= MOST_ELEMENTS and taps * positions <= MOST_TAPS
    return fits and _work(outline, closed) <= MOST_WORK


def _work(outline: Outline, closed: Answer) -> int:
    size = max(_sizes(outline, closed))
    pairs = size**2 // PAIRS_AT_ONCE if outline.attention or outline.windowed else 0
    return _layers(closed) * max(size, pairs)


def _layers(closed: Answer) -> int:
    return len({row.layer for row in closed.layers})


def _sizes(outline: Outline, closed: Answer) -> Sizes:
    """Return positions of the input along each axis, not those of a window that may be wrong."""
    return outline.sizes or (max(closed.totals.receptive_field),) * outline.axes


def compare(
    outline: Outline,
    closed: Answer,
    layers: Sequence[LayerRow],
    output: LayerRow | None,
    sizes: Sizes,
) -> Note | None:
    """Return a note on what both roads agree in, None where nothing can be compared with the other.

    `output` is the operators' answer to what the outline's totals are of, None where another one
    was asked for; a window as large as the input of `sizes`, on which it was found, may be larger.
    Raises `ArchscopeError` with the first difference.
    """
    found = {row.layer: row for row in reversed(layers)}
    named = [(one, found[one.layer]) for one in _told_once(closed.layers) if one.layer in found]
    pairs = [pair for said, row in named for pair in _held(outline, row.layer, said, row, sizes)]
    if output is not None:
        pairs += _held(outline, "the output", closed.totals, output, sizes)
    equal = sum(pair.said == pair.found for pair in pairs)
    if not equal:
        return None
    of_output = " and of the output" if output is not None else ""
    bounds = len(pairs) - equal
    bounded = f"; {bounds} more are within bounds that the operators give" if bounds else ""
    return Note(
        level="info",
        text=f"the closed form and the operators that run agree in {counted(equal, 'number')}: "
        f"of {counted(len(named), 'layer')} by name{of_output}{bounded}",
    )


def compare_order(outline: Outline, said: Totals, found: Totals, sizes: Sizes) -> None:
    """Raise `ArchscopeError` where the roads differ in how far ahead outputs of a sequence see.

    `sizes` are of the input, which may be too short for an output to see all that it could.
    """
    one, other = said.ahead, found.ahead
    if one is None or other is None or one == other:
        return
    is_short = sizes[0] <= said.receptive_field[0]
    if not (other > one and outline.windowed) and not (other < one and is_short):
        pair = _Pair(what="looks ahead", said=one, found=other, agrees=False)
        raise _disagreement("the output", pair)


def _told_once(rows: Sequence[LayerRow]) -> Iterator[LayerRow]:
    """Yield the layers of which all branches that share them say the same.

    A layer behind several branches sees more than each branch by itself.
    """
    known: dict[str, LayerRow | None] = {}
    for row in rows:
        known[row.layer] = row if known.get(row.layer, row) == row else None
    yield from (row for row in known.values() if row is not None)


def _held(
    outline: Outline, where: str, said: LayerRow | Totals, found: LayerRow, sizes: Sizes
) -> list[_Pair]:
    """Return the numbers of one layer, compared with each other; raises where two contradict."""
    pairs = list(_pairs(outline, said, found, sizes))
    wrong = next((pair for pair in pairs if not pair.agrees), None)
    if wrong is not None:
        raise _disagreement(where, wrong)
    return pairs


def _pairs(
    outline: Outline, said: LayerRow | Totals, found: LayerRow, sizes: Sizes
) -> Iterator[_Pair]:
    everything = bool(outline.attention) or (isinstance(said, LayerRow) and said.kernel == ())
    if found.global_by and found.local_field is None and not everything:
        return  # nothing is left without readers of all positions
    window = found.local_field if found.local_field and not everything else found.receptive_field
    # Masks may be too large to be read, and padding may hold the other end of the input.
    is_bound = outline.windowed or outline.wraps or bool(outline.partial)
    above = is_bound or bool(found.bounded_by)
    below = found.at_least or any(map(int.__eq__, window, sizes))
    fits = all(map(int.__le__, said.receptive_field, sizes))
    below = below or not fits
    yield from _windows(said.receptive_field, window, above=above, below=below)
    numbers: dict[str, tuple[object, object]] = {}
    if isinstance(said, LayerRow):
        numbers["makes outputs:"] = (said.output_size, found.output_size)
    if fits and not everything and not outline.wraps:
        numbers["has a jump of"] = (said.jump, found.jump)
        numbers["starts at"] = (said.start, found.start)
        if not (above or below):
            numbers |= _exact(outline, said, found)
    for what, (one, other) in numbers.items():
        if one is not None and other is not None:
            yield _Pair(what=what, said=one, found=other, agrees=one == other)


def _exact(
    outline: Outline, said: LayerRow | Totals, found: LayerRow
) -> dict[str, tuple[object, object]]:
    """Return what can be compared with each other where the window is no bound."""
    numbers: dict[str, tuple[object, object]] = {}
    if not found.global_by:
        numbers["sees at least"] = (said.smallest_field, found.smallest_field)
    if not outline.partial:
        numbers["reaches"] = (said.reached, found.reached)
        if found.streams is not None and all(found.streams):  # 0: too few to share a position
            numbers["falls into networks"] = (said.streams, found.streams)
    return numbers


def _windows(
    said: Sequence[int], found: Sequence[int], *, above: bool, below: bool
) -> Iterator[_Pair]:
    """Yield the window along all axes, where what the operators say is no bound to both sides."""
    if above and below:
        return
    pairs = list(zip(said, found, strict=True))
    agrees = all(
        one == other or (above and one < other) or (below and one > other) for one, other in pairs
    )
    yield _Pair(what="sees", said=tuple(said), found=tuple(found), agrees=agrees)


def _disagreement(where: str, pair: _Pair) -> ArchscopeError:
    return ArchscopeError(
        f"the closed form and the network disagree: {where} {pair.what} {_written(pair.said)} by "
        f"the closed form, {_written(pair.found)} by the operators that run. No verdict; correct "
        "the family's outline, or report this"
    )


def _written(value: object) -> str:
    return "×".join(f"{each:,}" for each in value) if isinstance(value, tuple) else f"{value:,}"
