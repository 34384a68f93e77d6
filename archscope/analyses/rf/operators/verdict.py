"""The verdict on a module's output, in words: what it misses, and what is only a bound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING

from archscope.analyses.rf.numbers import a, apart, counted, extent, missing, share, within
from archscope.analyses.rf.operators.growth import is_told
from archscope.analyses.rf.operators.order import MODEL, sees_apart
from archscope.analyses.rf.rows import MapRow
from archscope.analyses.rf.totals import Totals
from archscope.analyses.rf.unseen import good
from archscope.results import Note

if TYPE_CHECKING:
    from archscope.dependence.answer.fields import Field
    from archscope.dependence.answer.layers import Layer
    from archscope.dependence.answer.phases import Least
    from archscope.dependence.answer.receptive import Receptive


def verdict(found: Receptive, totals: Totals, maps: Sequence[MapRow]) -> Iterator[Note]:
    """Yield what the chosen output misses, first of all what is not known for certain."""
    if found.target.bounded_by is not None:
        yield _bound(found, totals)
        return
    yield from _coverage(found, totals)
    yield from _inside(found, totals, maps)


def named(totals: Totals) -> str:
    """Return what a sentence calls the output: a map within, where the network's own sees all."""
    output = "the output" if totals.output == MODEL else totals.output
    if totals.reads_all == totals.output:  # a recurrent layer, of which the last state is read
        return f"the sequence that {output} makes"
    return output + (f", the last map before {totals.reads_all}" if totals.reads_all else "")


def _subject(totals: Totals) -> str:
    """Return the same as what a sentence is about, whose verb follows."""
    return named(totals) + ("," if totals.reads_all not in (None, totals.output) else "")


def worst(maps: Sequence[MapRow]) -> MapRow | None:
    """Return the map within that is seen worst, where any has holes.

    A single dilated layer always has holes in what it reads, so it takes more than one; and of the
    maps of stages and of blocks in them, those of stages count.
    """
    holed = [
        row
        for row in maps
        if row.reads != "input"
        and (row.coverage or 1) < 1
        and row.has_gaps is not False
        and row.layers > 1
        and not row.clipped
    ]
    depth = min((row.reads.count(".") for row in holed), default=0)
    outer = [row for row in holed if row.reads.count(".") == depth]
    return min(outer, key=lambda row: row.coverage or 1, default=None)


def _bound(found: Receptive, totals: Totals) -> Note:
    # A border may cut short what sees more than the few that it does not.
    widest = [int(line.widths.max(initial=0)) for line in found.target.field.lines]
    seen = extent(tuple(map(max, totals.receptive_field, widest)))
    window = f"{seen} positions" if len(totals.receptive_field) > 1 else f"{a(seen)} window"
    module = found.given.module(found.given.bounded_node(found.target.value))
    return Note(
        level="warning",
        text=f"A bound, no verdict: {_subject(totals)} sees no more than {window}; how much of it "
        f"is unknown, because the rule of {found.target.bounded_by} (in {module}) is a bound",
    )


def _coverage(found: Receptive, totals: Totals) -> Iterator[Note]:
    window = extent(totals.local_field or totals.receptive_field)
    local = " local" if totals.local_field else ""
    at_least = "" if is_told(found) else "at least "
    output = named(totals)
    if totals.reached is None:
        yield Note(
            level="warning",
            text=f"how much of the {at_least}{window}{local} receptive field reaches the output "
            "is unknown: the sets of its axes are entangled, and only bounds are known",
        )
    elif (least := found.target.least) and least.share < Fraction(totals.reached, totals.positions):
        yield _by_turns(found, totals, least)
    elif totals.is_full and totals.local_field and totals.positions == 1:
        every = counted(prod(totals.receptive_field), "position")
        seen = f"{totals.depends_on:,} of the {every}" if totals.depends_on else f"all {every}"
        yield good(totals, f"{_subject(totals)} sees {seen}, from {totals.global_by} on.")
    elif totals.positions == 1:
        yield Note(level="info", text=f"{_subject(totals)} sees one position alone: {_one(found)}")
    elif totals.is_full:
        every = counted(totals.positions, "position")
        yield good(
            totals, f"all {every} of the {at_least}{window}{local} receptive field reach {output}."
        )
    elif totals.has_gaps is False:
        seen = f"{totals.reached:,} of the {counted(totals.positions, 'position')}"
        note = good(
            totals,
            f"what {_subject(totals)} sees has no gaps, and fills no box: {seen} "
            f"({share(totals.reached, totals.positions)}) of its {at_least}{window}{local} "
            "receptive field.",
        )
        yield replace(note, details=_own(found))
    else:
        missed = missing(totals.reached, totals.positions, f"{at_least}{window}{local}")
        seen = sees_apart(found)
        runs = (f"An output in the middle sees {seen}.",) if seen else ()
        yield Note(
            level="warning",
            text=f"{missed} never reach {output}.",
            details=(*runs, *_own(found), *apart(_networks(totals.streams))),
        )


def _by_turns(found: Receptive, totals: Totals, least: Least) -> Note:
    """Return what of outputs whose windows differ the one misses that misses most."""
    at_least = "" if is_told(found) else "at least "
    every = counted(prod(least.window), "position")
    seen = f"{least.reached:,} of the {every} ({share(least.reached, prod(least.window))})"
    one = f"one sees only {seen} of its {at_least}{extent(least.window)} receptive field."
    outputs = "outputs" if totals.output == MODEL else f"outputs of {totals.output}"
    if totals.has_gaps is False:
        text = f"what {outputs} see has no gaps, and fills no box: {one}"
        return replace(good(totals, text), details=_own(found))
    return Note(
        level="warning",
        text=f"Gridding differs between {outputs}: {one}",
        details=(*_own(found), *apart(_networks(totals.streams))),
    )


def _own(found: Receptive) -> tuple[str, ...]:
    """Return that units do not see their own position, where it is none of those they see."""
    from archscope.dependence.answer.causality import seeing_own_place

    own = seeing_own_place(found.target.field)
    if own == 0:
        return ("Its own position is not seen.",)
    return ("Some outputs do not see their own position.",) if own and own < 1 else ()


def _one(found: Receptive) -> str:
    """Return whether the one position that an output sees is its own."""
    from archscope.dependence.answer.causality import seeing_own_place

    own = seeing_own_place(found.target.field)
    if own is None or own == 1:
        return "none looks at others"
    if not own:
        return "not its own"
    return f"{share(own.numerator, own.denominator)} of outputs see their own, the others another"


def _networks(streams: tuple[int, ...] | None) -> int:
    """Return into how many networks outputs fall over all axes."""
    return prod(max(one, 1) for one in streams or ())


def _inside(found: Receptive, totals: Totals, maps: Sequence[MapRow]) -> Iterator[Note]:
    """Yield that a map within is seen with holes, where the input is not.

    What stands before fills the holes: in one stack that is information. A part that by itself,
    from the map that it reads, is several networks has them filled by another part of the network,
    often pretrained, and a warning is due.
    """
    if not totals.is_full:
        return
    row = worst(_parts(found, maps))
    if row is not None:
        yield Note(level="warning", text=within(row.reads, _holed(totals, row)))
        return
    row = worst(maps)
    if row is not None:
        said = f"in the output of {row.reads}, {_holed(totals, row)}"
        yield Note(level="info", text=f"{said}; earlier layers fill the holes")


def _holed(totals: Totals, row: MapRow) -> str:
    several = _networks(row.streams)
    networks = f", as {several:,} interleaved networks" if several > 1 else ""
    seen = share(row.reached or 0, row.positions)
    return f"{_subject(totals)} sees only {seen} of its {extent(row.hull)} window{networks}"


def _parts(found: Receptive, maps: Sequence[MapRow]) -> Sequence[MapRow]:
    """Return the maps on which a part stands: behind a stride, or made by a module with parts.

    In a network without strides there are none.
    """
    if len({row.jump for row in maps}) < 2:
        return ()
    paths = [layer.call.path for layer in found.layers]
    holders = {path.rpartition(".")[0] for path in paths}
    pairs = zip(maps, (None, *maps), strict=False)
    return [
        row
        for row, before in pairs
        if row.reads in holders or (before is not None and row.jump != before.jump)
    ]


def others_coverage(found: Receptive) -> float | None:
    """Return the least share of its window that any of the other outputs reaches."""
    shares = [
        layer.touched / prod(line.hulls[1] for line in layer.field.lines)
        for layer in found.others.values()
        if layer.touched and layer.bounded_by is None
    ]
    return min(shares, default=None)


def others(found: Receptive) -> Iterator[Note]:
    """Yield a verdict on each of the other outputs, those that are alike together."""
    said: dict[str, list[str]] = {}
    levels: dict[str, str] = {}
    for place, layer in found.others.items():
        field = layer.field
        window = tuple(line.hulls[1] for line in field.lines)
        text, is_good = _other(layer, window)
        said.setdefault(text, []).append(place)
        levels[text] = "ok" if is_good else "warning"
    for text, names in said.items():
        some = "output" if len(names) == 1 else "outputs"
        which = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        yield Note(
            level="ok" if levels[text] == "ok" else "warning", text=f"{some} {which}: {text}"
        )


def _other(layer: Layer, window: tuple[int, ...]) -> tuple[str, bool]:
    from archscope.dependence.answer.phases import has_gaps

    if layer.total.is_empty:
        return "sees no position of the input: what it holds does not depend on it", False
    jumps = [line.jump or None for line in layer.field.lines]  # 0: all see the same
    jump = "" if None in jumps else f", jump {' × '.join(f'{j}' for j in dict.fromkeys(jumps))}"
    at_least = "" if layer.field.is_whole else "at least "
    seen = part_of(layer)
    everything = "everything" if seen == "all of" else f"{seen} the input"
    local = f"; {layer.global_by} makes it depend on {everything}" if layer.global_by else ""
    field = f"{at_least}{extent(window)} receptive field{jump}"
    if layer.bounded_by is not None:
        return (
            f"no more than {a(extent(window))} receptive field, a bound by {layer.bounded_by}",
            False,
        )
    positions = prod(window)
    if layer.touched is None:
        return f"{field}; how much of it is seen is unknown{local}", False
    if layer.touched == positions:
        return f"{field}, without holes{local}", True
    gaps = has_gaps(layer.field.over_all(layer.field.typical)[1]) if layer.field.is_exact else True
    reached = f"of which {share(layer.touched, positions)} is seen"
    return f"{field}, {reached}{'' if gaps else ', without gaps'}{local}", not gaps


def part_of(layer: Layer) -> str:
    """Return how much of the input outputs depend on: all, or less where a part was left out."""
    if layer.total.is_narrow:
        return narrowly(layer.total)
    seen = partly(layer)
    return f"{seen:,} of the {prod(layer.total.sizes):,} positions of" if seen else "all of"


def narrowly(field: Field) -> str:
    """Return how much of the input outputs depend on that see less than all along some axis."""
    sizes = tuple(line.hulls[1] for line in field.lines)
    return f"{counted(sizes[0], 'position') if len(sizes) == 1 else extent(sizes)} of"


def partly(layer: Layer) -> int | None:
    """Return how many positions of the input outputs depend on; None: all, or not known."""
    total = layer.total
    seen = layer.depends or (total.count(total.typical) if total.is_exact else 0)
    return seen if 0 < seen < prod(total.sizes) else None
