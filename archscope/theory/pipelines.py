"""Pipelines of stages: who has which layers, what is in flight, and how long nothing is done.

p stages, m micro-batches, v chunks of layers on each card (1: one run; more: interleaved).
Narayanan et al. 2021 (arXiv 2104.04473), section 2.2; the order of passes is that of Megatron-LM's
schedules.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice, pairwise

from archscope.records import frozen


def bubble(stages: int, micro_batches: int, chunks: int = 1) -> Fraction:
    """Return the time in which a card waits, over the time in which it works: (p - 1) / (v m).

    >>> float(bubble(8, 64))
    0.109375
    """
    return Fraction(stages - 1, chunks * micro_batches)


def first_stage_factor(stages: int, chunks: int = 1) -> Fraction:
    """Return how many times all layers' activations the first stage keeps: 1 + (p - 1) / (p v).

    Of one chunk it is 1: p micro-batches through L / p layers. Korthikanti et al. 2022 (arXiv
    2205.05198), section 4.2.3, of as many micro-batches as fill the pipeline.
    """
    more = Fraction(stages - 1, stages * chunks) if chunks > 1 else Fraction(0)
    return 1 + more


def split(count: int, pieces: int) -> tuple[range, ...]:
    """Return which of so many blocks each piece has, in order; the first have one more.

    >>> [list(each) for each in split(5, 2)]
    [[0, 1, 2], [3, 4]]
    """
    least, more = divmod(count, pieces)
    ends = [piece * least + min(piece, more) for piece in range(pieces + 1)]
    return tuple(range(start, end) for start, end in pairwise(ends))


@frozen
class Turn:
    """One pass of one micro-batch through one chunk."""

    forward: bool
    """Whether it is a forward pass, which keeps; a backward pass gives back."""
    chunk: int
    """Which of the card's chunks, by its number from 0."""


def turns(stage: int, stages: int, micro_batches: int, chunks: int = 1) -> Iterator[Turn]:
    """Yield the passes of one stage in their order: some forward, then in turns, then backward.

    Of several chunks, groups of p micro-batches go through the first, then through the next;
    `micro_batches` is a multiple of p then.
    """
    total = micro_batches * chunks
    first = stages - stage - 1
    if chunks > 1:
        first = 2 * first + (chunks - 1) * stages
    warm = min(first, total)
    forwards = (_chunk(turn, stages, chunks) for turn in range(total))
    backwards = (chunks - 1 - _chunk(turn, stages, chunks) for turn in range(total))
    for chunk in islice(forwards, warm):
        yield Turn(forward=True, chunk=chunk)
    for chunk in forwards:
        yield Turn(forward=True, chunk=chunk)
        yield Turn(forward=False, chunk=next(backwards))
    for chunk in backwards:
        yield Turn(forward=False, chunk=chunk)


def _chunk(turn: int, stages: int, chunks: int) -> int:
    return turn // stages % chunks


def in_flight(
    sizes: Sequence[int], stage: int, stages: int, micro_batches: int
) -> tuple[int, tuple[int, ...]]:
    """Return the most that a stage keeps at once, and of how many micro-batches for each chunk.

    `sizes` are what one micro-batch keeps of each of its chunks.

    >>> in_flight([10], 0, 4, 100), in_flight([5, 5], 0, 4, 100)
    ((40, (4,)), (55, (7, 4)))
    """
    chunks = len(sizes)
    # What is kept repeats itself from round to round: the first few rounds have seen the most.
    seen = min(micro_batches, 4 * stages)
    kept = [0] * chunks
    alive = most = 0
    at = (0,) * chunks
    for turn in turns(stage, stages, seen, chunks):
        step = 1 if turn.forward else -1
        kept[turn.chunk] += step
        alive += step * sizes[turn.chunk]
        if alive > most or sum(kept) > sum(at):
            most, at = alive, tuple(kept)
    return most, at
