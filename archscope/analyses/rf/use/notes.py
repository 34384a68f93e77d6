"""Uses of a receptive field, in at most two sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archscope.analyses.rf.numbers import counted
from archscope.analyses.rf.use.rows import AxisRow, BufferRow
from archscope.results import Note


def sentences(
    rows: Sequence[AxisRow], kept: Sequence[BufferRow], named: str = "", *, reads_all: bool
) -> Iterator[Note]:
    """Yield how far an output looks along a sequence, or an axis of several along which it looks
    back to the first position, and how an input is cut."""
    for row in rows:
        if row.look_ahead is not None and (row.sees_first or len(rows) == 1):
            where = "" if len(rows) == 1 else f"along axis {row.axis} "
            yield Note(level="info", text=where + _looks(row, named or "an output"))
    if kept:
        yield Note(level="info", text=_streams(rows[0], kept, named))
    elif rows and not reads_all and all(row.tile_overlap is not None for row in rows):
        yield Note(level="info", text=_tiles(rows, named or "the output"))


def _looks(row: AxisRow, named: str) -> str:
    """Return how far before and after its own place an output sees."""
    back = " to the first position" if row.sees_first else " an unknown number of positions"
    if row.look_back is not None:
        back = f" {counted(row.look_back, 'position')}{_time(row.look_back_ms)}"
    ahead = f"{row.look_ahead:,}{_time(row.look_ahead_ms)}"
    said = f"{named} looks back{back} and ahead {ahead}"
    if row.jump_ms is not None:
        said += f", one every {row.jump_ms:.4g} ms"
    if row.late:
        said += "; outputs belong to the last positions of any input"
    return said


def _time(ms: float | None) -> str:
    return "" if ms is None else f" ({ms:.4g} ms)"


def _streams(row: AxisRow, kept: Sequence[BufferRow], named: str) -> str:
    """Return what a causal network keeps from chunk to chunk."""
    positions = sum(each.positions for each in kept)
    sizes = [each.bytes for each in kept]
    known = [size for size in sizes if size is not None]
    held = f", {sum(known):,} bytes" if len(known) == len(sizes) else ""
    chunks = f" of multiples of {row.tile_step:,}" if (row.tile_step or 1) > 1 else ""
    which = f"streaming {named}" if named else "streaming"
    return (
        f"{which} in chunks{chunks} takes {counted(positions, 'position')}{held} buffered in "
        f"{counted(len(kept), 'layer')} (--by buffer){_told(row)}"
    )


def _tiles(rows: Sequence[AxisRow], named: str) -> str:
    """Return how an input is cut, with a number for each axis where they differ."""
    overlap = _each([row.tile_overlap or 0 for row in rows])
    step = _each([row.tile_step or 1 for row in rows])
    before, after = ([getattr(r, f"discard_{side}") or 0 for r in rows] for side in _SIDES)
    word = "chunks" if len(rows) == 1 else "tiles"
    at = "" if step == "1" else f"start at multiples of {step}, "
    if not any((*before, *after)):
        lost = "lose no output"
    elif before == after:
        lost = f"lose {_outputs(before)} at either end"
    else:
        ends = (("start", before), ("end", after))
        lost = "lose " + " and ".join(
            f"{_outputs(numbers)} at the {side}" for side, numbers in ends if any(numbers)
        )
    shared = f"share {overlap} position{'' if overlap == '1' else 's'}"
    exactly = f"give exactly {named} of the whole input{_told(rows[0])}"
    return f"{word} that {at}{shared} and {lost} {exactly}"


def _told(row: AxisRow) -> str:
    """Return that constants depend on the position of a part in the whole, where they do."""
    return f", given the offset of each: {row.table} depends on positions" if row.table else ""


def _outputs(numbers: Sequence[int]) -> str:
    return f"{(said := _each(numbers))} output{'' if said == '1' else 's'}"


_SIDES = ("before", "after")


def _each(numbers: Sequence[int]) -> str:
    """Return a number, or one for each axis where they differ."""
    if len(set(numbers)) == 1:
        return f"{numbers[0]:,}"
    return "×".join(f"{number:,}" for number in numbers)
