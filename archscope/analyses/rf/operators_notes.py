"""What a reader must know of a module's receptive field, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING

from archscope.analyses.rf.numbers import apart, counted, extent, missing, share, within
from archscope.analyses.rf.rows import MapRow, Totals
from archscope.results import Note

if TYPE_CHECKING:
    from archscope.dependence.answer.causality import Causality
    from archscope.dependence.answer.receptive import Receptive
    from archscope.dependence.record.graph import Node

MODEL = "(model)"
"""What the model itself is called among its modules."""
MODULES_NAMED = 4
"""Modules that a note names before it counts the rest."""


def notes(
    found: Receptive, totals: Totals, maps: Sequence[MapRow]
) -> tuple[tuple[Note, ...], tuple[Note, ...]]:
    """Return the verdict, and what it rests on."""
    verdict = (*_verdict(found, totals), *_inside(totals, maps), *_everything(found, totals))
    return verdict, (*_unlike(totals), *_order(found), *_size(found), *_bounds(found))


def worst(maps: Sequence[MapRow]) -> MapRow | None:
    """Return the map within that is seen worst, where any has holes.

    A single dilated layer always has holes in what it reads, so it takes more than one; and of the
    maps of stages and of blocks in them, those of stages count.
    """
    holed = [
        row
        for row in maps
        if row.reads != "input" and (row.coverage or 1) < 1 and row.layers > 1 and not row.clipped
    ]
    depth = min((row.reads.count(".") for row in holed), default=0)
    outer = [row for row in holed if row.reads.count(".") == depth]
    return min(outer, key=lambda row: row.coverage or 1, default=None)


def flagged(found: Receptive) -> list[tuple[Node, str]]:
    """Return the nodes whose rules are bounds, and why."""
    return [(each.node, each.flag) for each in found.given.lowered if each.flag]


def ahead(found: Receptive) -> Causality | None:
    """Return what the chosen output of a sequence model sees of the future."""
    from archscope.dependence.answer.causality import causality

    return causality(found.given, found.target.value)


def _named(output: str) -> str:
    return "the output" if output == MODEL else output


def _verdict(found: Receptive, totals: Totals) -> Iterator[Note]:
    window = extent(totals.local_field or totals.receptive_field)
    local = " local" if totals.local_field else ""
    at_least = "" if found.is_whole else "at least "
    if totals.reached is None:
        yield Note(
            level="warning",
            text=f"how much of the {at_least}{window}{local} receptive field reaches the output "
            "is unknown: the sets of its axes are entangled, and only bounds are known",
        )
    elif totals.is_full and totals.local_field and totals.positions == 1:
        every = counted(prod(totals.receptive_field), "position")
        yield Note(
            level="ok",
            text=f"No gridding: {_named(totals.output)} sees all {every}, from {totals.global_by} "
            "on.",
        )
    elif totals.is_full:
        every = counted(totals.positions, "position")
        yield Note(
            level="ok",
            text=f"No gridding: all {every} of the {at_least}{window}{local} receptive field reach "
            f"{_named(totals.output)}.",
        )
    else:
        missed = missing(totals.reached, totals.positions, f"{at_least}{window}{local}")
        yield Note(
            level="warning",
            text=f"{missed} never reach {_named(totals.output)}.",
            details=apart(_networks(totals.streams)),
        )


def _networks(streams: tuple[int, ...] | None) -> int:
    """Return into how many networks outputs fall over all axes."""
    return prod(max(one, 1) for one in streams or ())


def _inside(totals: Totals, maps: Sequence[MapRow]) -> Iterator[Note]:
    row = worst(maps)
    if row is None or not totals.is_full:
        return
    several = _networks(row.streams)
    networks = f", as {several:,} interleaved networks" if several > 1 else ""
    seen = share(row.reached or 0, row.positions)
    said = f"{_named(totals.output)} sees only {seen} of its {extent(row.hull)} window{networks}"
    yield Note(level="warning", text=within(row.reads, said))


def _everything(found: Receptive, totals: Totals) -> Iterator[Note]:
    size = extent(found.given.sizes)
    if totals.reads_all:
        yield Note(
            level="info",
            text=f"{totals.reads_all} reads all positions, so that the network's output depends on "
            f"all of its {size} input; the table's last rows say so, and the verdict is of "
            f"{_named(totals.output)}, the last map before it",
        )
    elif totals.global_by and totals.local_field:
        local = totals.local_field
        sees = counted(local[0], "position") if len(local) == 1 else extent(local)
        yield Note(
            level="info",
            text=f"{totals.global_by} reduces over all positions, so that every output depends on "
            f"all of the {size} input; without such ways it sees {sees}",
        )
    elif totals.global_by:
        yield Note(
            level="info",
            text=f"{totals.global_by} reduces over all positions: every output depends on all of "
            f"the {size} input",
        )


def _unlike(totals: Totals) -> Iterator[Note]:
    if totals.global_by or totals.smallest_field == totals.receptive_field:
        return
    least, most = totals.smallest_field, totals.receptive_field
    ranges = (f"{a:,} to {b:,}" if a != b else f"{a:,}" for a, b in zip(least, most, strict=True))
    yield Note(
        level="info",
        text=f"outputs see unlike, by their place: {' × '.join(ranges)} positions",
    )


def _order(found: Receptive) -> Iterator[Note]:
    known = ahead(found)
    if known is None:
        return
    if known.ahead == 0:
        if known.backward:
            yield Note(level="ok", text="Causal: no output sees a later position.")
        return
    leaks = known.leaks
    if leaks and len(leaks) <= len(known.backward):
        named = ", ".join(
            f"{leak.path or MODEL} looks {counted(leak.ahead - leak.before, 'position')} ahead"
            for leak in leaks[:MODULES_NAMED]
        )
        yield Note(
            level="warning",
            text=f"Leak: {named}, while {counted(len(known.backward), 'module')} look back alone: "
            f"outputs see up to {counted(known.ahead, 'later position')}.",
        )
    elif leaks:
        yield Note(
            level="info",
            text=f"not causal: outputs see up to {counted(known.ahead, 'later position')}, from "
            f"{leaks[0].path or MODEL} on",
        )


def _size(found: Receptive) -> Iterator[Note]:
    given, best = extent(found.given.sizes), extent(found.best.sizes)
    if found.best is not found.given:
        yield Note(
            level="info",
            text=f"at the given {given} input every output reaches the border; the receptive field "
            f"was found on {best}",
        )
    elif not found.is_whole and found.target.global_by is None:
        yield Note(
            level="warning",
            text=f"every output reaches the border of the {given} input, and the model does not "
            "run on a larger one: the receptive field may be larger",
        )


def _bounds(found: Receptive) -> Iterator[Note]:
    for why, said in (
        (
            "unknown operator",
            "no rule is known for {0}; its outputs are taken to depend on all of its inputs",
        ),
        ("depends on data", "which positions {0} reads depends on data: it is taken to read all"),
    ):
        nodes = [node for node, flag in flagged(found) if flag == why]
        for operator, calls in Counter(node.operator for node in nodes).items():
            modules = list(dict.fromkeys(n.module for n in nodes if n.operator == operator))
            yield Note(
                level="warning",
                text=f"{said.format(operator)} (in {_listed(modules)})",
                operator=f"aten::{operator}",
                calls=calls,
            )
    reads = [node for node, flag in flagged(found) if flag == "read by Python"]
    if readers := list(dict.fromkeys(node.module for node in reads)):
        yield Note(
            level="warning",
            text=f"Python reads numbers of the input in {_listed(readers)}, and what is returned "
            "depends on them: it is taken to depend on all that they may have decided",
        )
    if found.given.graph.padding is not None:
        yield Note(
            level="info",
            text=f"no token is taken for padding (token {found.given.graph.padding}): masks "
            "against it let everything through",
        )


def _listed(modules: Sequence[str]) -> str:
    named = ", ".join(module or MODEL for module in modules[:MODULES_NAMED])
    rest = len(modules) - MODULES_NAMED
    return f"{named} and {rest} more" if rest > 0 else named
