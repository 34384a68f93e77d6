"""One answer about a network, before it is put into sections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.analyses.rf.rows import (
    BRANCHES,
    CALLS_LEFT_OUT,
    LAYERS,
    MAPS,
    POSITIONS,
    UNIT,
    BranchRow,
    LayerRow,
    MapRow,
    PositionRow,
    UnitRow,
)
from archscope.analyses.rf.totals import Totals
from archscope.analyses.rf.unseen import beside, spoils
from archscope.analyses.rf.use.rows import AXES, BUFFERS, AxisRow, BufferRow
from archscope.records import frozen
from archscope.results import Amount, Headline, Note, Section, Strip, Words


@frozen
class Answer:
    """Rows, totals and words."""

    totals: Totals
    layers: tuple[LayerRow, ...]
    sources: tuple[LayerRow, ...] = ()
    """The same of another input, of which outputs see all; empty: there is none."""
    maps: tuple[MapRow, ...] = ()
    branches: tuple[BranchRow, ...] = ()
    """Parallel paths and their union; empty where there is one path, or that is not told."""
    positions: tuple[PositionRow, ...] = ()
    """Of the receptive field along one axis; empty where they are too many."""
    unit: tuple[UnitRow, ...] = ()
    """The unit that was looked back from, an axis each; empty in closed form."""
    axes: tuple[AxisRow, ...] = ()
    """What is done with a receptive field along each axis."""
    buffers: tuple[BufferRow, ...] = ()
    """What the layers of a causal network keep; empty for any other, or where that is not known."""
    use: tuple[Note, ...] = ()
    """The same in words."""
    verdict: tuple[Note, ...]
    """Whether all is reached, and what depends on everything."""
    notes: tuple[Note, ...] = ()
    """What else must be known."""
    device: str | None = None
    """Where the forward behind it ran; None: nowhere."""
    about: str = ""
    """What the title says of it beside the network: the axes of the input."""
    seen_of: str = ""
    """The input that is traced back to, where there are several."""

    def sections(self) -> tuple[Section, ...]:
        """Return it as sections: those that have rows, and the first of all in any case."""
        layers = LAYERS.filled((*self.sources, *self.layers))
        if any(row.call > 1 and not row.listed for row in self.layers):
            layers = replace(layers, others=CALLS_LEFT_OUT)
        branches = BRANCHES.filled(self.branches)
        first, *others = (branches, layers) if self.branches else (layers,)
        filled = first.filled(
            first.rows,
            totals=self.totals,
            notes=(*beside(self.totals, self.verdict), *self.notes),
            headline=(_headline(self.totals, self.seen_of),),
            summary=tuple(_summary(self.totals, self.positions)),
            device=self.device,
            about=self.about,
        )
        more = (
            MAPS.filled(self.maps),
            POSITIONS.filled(self.positions),
            UNIT.filled(self.unit),
            AXES.filled(self.axes, notes=self.use),
            BUFFERS.filled(self.buffers),
        )
        return (filled, *others, *(section for section in more if section.rows))


def _headline(totals: Totals, seen_of: str) -> Headline:
    # Of a map within, where what comes behind it reads all of it; not where it sees all itself.
    is_within = totals.reads_all and not totals.global_by
    name = f"Receptive field of {totals.output}" if is_within else "Receptive field"
    return Headline(
        name=f"{name} in {seen_of}" if seen_of else name,
        value=totals.receptive_field,
        kind="extent",
        detail=_seen(totals),
        level="ok"
        if (totals.is_full or totals.has_gaps is False) and not spoils(totals)
        else "warning",
        about="Receptive field",
        order=30,
    )


def _seen(totals: Totals) -> Words:
    if totals.operators_unknown and not totals.complete and not totals.is_full:
        return ("at most: the rule of an operator on the way is a bound",)
    if totals.blind and spoils(totals):
        return (
            Amount(value=totals.blind, kind="number"),
            " outputs see nothing of the input",
        )
    if totals.is_full:
        whole = "sees all of it" if totals.complete else "sees at least all of it"
        if totals.depends_on:
            seen = Amount(value=totals.depends_on, kind="number")
            return ("one output sees ", seen, f" positions of it, from {totals.global_by} on")
        if totals.global_by:
            return (f"{whole}, from {totals.global_by} on",)
        reads = f"; {totals.reads_all} reads the whole input" if totals.reads_all else ""
        return (f"one output {whole}{reads}",)
    if totals.coverage is None:
        return ("with holes; how many is out of reach",)
    share = Amount(value=totals.coverage, kind="ratio")
    if totals.has_gaps is False:
        return ("one output sees ", share, " of it, without gaps")
    return ("gridding: one output sees ", share, " of it")


def _summary(totals: Totals, positions: tuple[PositionRow, ...]) -> Iterator[Strip]:
    """Yield the picture of what is reached along one axis, and the numbers of paths."""
    if totals.reached_1d is None or totals.fewest_paths is None:
        return
    window = totals.local_field or totals.receptive_field
    most, every = totals.most_paths, totals.paths
    yield Strip(
        counts=tuple(row.paths for row in positions),
        reached=(_count(totals.reached_1d[0]), "/", _count(window[0])),
        paths=(
            "min ",
            _count(totals.fewest_paths),
            ", max ",
            "out of reach" if most is None else _count(most),
        ),
        rest=() if every is None else (", in all ", _count(every)),
    )


def _count(value: int) -> Amount:
    return Amount(value=value, kind="power")
