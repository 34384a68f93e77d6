"""Cuts a network into pipeline stages, and says what each contains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archscope.analyses.plan.layout import Layout
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.theory.pipelines import split
from archscope.theory.stages import Layer, Part, Stages, alike, tally


@frozen
class Stage:
    """What the cards of one stage have."""

    number: int
    """Counted from 0."""
    chunks: tuple[tuple[int, ...], ...]
    """Of each run of blocks the places of its parts in the network."""
    parts: tuple[Part, ...]
    """All of them."""
    holds: str
    """The same in words."""

    layers: tuple[tuple[Layer, int], ...]
    """Its layers, and how many of each there are; weights that several share once."""
    macs: int
    """Multiply-accumulates of one forward pass of one micro-batch."""


def cut(stages: Stages, layout: Layout) -> tuple[Stage, ...]:
    """Return the stages: blocks in order, as many on each, the first ones one more.

    What stands before and between blocks goes with the next, what stands behind the last with it:
    embeddings are on the first stage, the head is on the last. Raises `SpecError`.
    """
    places = [number for number, part in enumerate(stages.parts) if part.block]
    pieces = layout.pp * layout.chunks
    if pieces > max(1, len(places)):
        what = "stages" if layout.chunks == 1 else "stages x {interleave} chunks"
        problem = f"makes {pieces} {what} of {len(places)} blocks. Give at most {len(places)}"
        if not places:
            problem = (
                "is not possible: no block of this network repeats, and stages are cut between "
                "blocks"
            )
        raise SpecError("pp", layout.pp, problem)
    ends = _ends(places, len(stages.parts), pieces)
    runs = [tuple(range(start, end)) for start, end in zip([0, *ends], ends, strict=False)]
    return tuple(_stage(stages, number, runs[number :: layout.pp]) for number in range(layout.pp))


def _ends(places: Sequence[int], parts: int, pieces: int) -> list[int]:
    """Return where each piece ends, behind its last block."""
    if not places:
        return [parts]
    found = [places[each[-1]] + 1 for each in split(len(places), pieces)]
    return [*found[:-1], parts]


def _stage(stages: Stages, number: int, runs: Sequence[tuple[int, ...]]) -> Stage:
    parts = tuple(stages.parts[place] for run in runs for place in run)
    return Stage(
        number=number,
        chunks=tuple(runs),
        parts=parts,
        layers=tally(parts),
        macs=sum(times * part.macs for part, times in alike(parts)),
        holds=", ".join(_words(stages, runs)) or "everything",
    )


def _words(stages: Stages, runs: Sequence[tuple[int, ...]]) -> Iterator[str]:
    """Yield what runs of parts are, blocks by their numbers from 0."""
    numbers, seen = {}, 0
    for place, part in enumerate(stages.parts):
        if part.block:
            numbers[place] = seen
            seen += 1
    for run in runs:
        blocks: list[int] = []
        for place in run:
            if place in numbers:
                blocks.append(numbers[place])
                continue
            if blocks:
                yield _blocks(blocks)
                blocks = []
            if stages.parts[place].path:
                yield stages.parts[place].path
        if blocks:
            yield _blocks(blocks)


def _blocks(numbers: Sequence[int]) -> str:
    first, last = numbers[0], numbers[-1]
    return f"block {first}" if first == last else f"blocks {first}–{last}"
