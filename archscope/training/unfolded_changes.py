"""The changes of a step in order, with those of blocks that were left out where they would be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from archscope.records import frozen
from archscope.subject import Stretch
from archscope.training.folding import block_of, names
from archscope.training.live_memory import Change, Phase
from archscope.training.step import Step


@frozen
class Turn:
    """Changes that come one after the other, so many times over."""

    changes: Sequence[Change]
    times: int = 1
    """More than once, for each block that a period stands for."""

    def of(self, turn: int, step: Step) -> Iterator[Change]:
        """Yield the changes of one turn, counted from 0, at the paths of its own copy.

        The backward goes from the last copy to the first.
        """
        for change in self.changes:
            copy = self.times - 1 - turn if change.phase == "backward" else turn
            yield replace(change, path=_path(change.path, copy, step)) if copy else change


def _path(path: str, copy: int, step: Step) -> str:
    block = block_of(path, step.repeats)
    return path if block is None else block.copies[copy] + path[len(block.path) :]


def laid_out(step: Step) -> tuple[Turn, ...] | None:
    """Return all changes of a step in order; None where those of blocks left out are not known.

    They are where the third period of a stretch does what the second does, byte for byte: then
    each that follows does so too. A step gives back all that it takes, and must with these too:
    what is handed from every block to the end, as the memories of Transformer-XL are, is given
    back where no block is.
    """
    if any(len(repeat.copies) > 1 for repeat in step.repeats) and not step.stretches:
        return None
    cuts: list[tuple[int, int, int]] = []
    for start, end in _passes(step.changes):
        changes = step.changes[start:end]
        for stretch in step.stretches:
            for phase, first, then in _ways(stretch):
                blocks = (*first, *stretch.middle, *then)
                if _first_in(changes, phase, blocks) < 0:  # frozen: no backward comes so far
                    continue
                cut = _cut(changes, phase, stretch, first, then)
                if cut is None:
                    return None
                cuts.append((start + cut[0], start + cut[1], _times(stretch, step)))
    turns = tuple(_turns(_with_all_gradients(step), sorted(cuts)))
    left = sum(turn.times * _taken(turn.changes) for turn in turns)
    return turns if left == _taken(step.changes) else None


def _taken(changes: Sequence[Change]) -> int:
    """Return the bytes that changes take in all; what is given back counts against them."""
    return sum(change.bytes for change in changes)


def _passes(changes: Sequence[Change]) -> Iterator[tuple[int, int]]:
    """Yield where each pass begins and ends: its forward follows the backward of the one before."""
    start = 0
    for place in range(1, len(changes)):
        if changes[place].phase == "forward" and changes[place - 1].phase == "backward":
            yield start, place
            start = place
    yield start, len(changes)


def _ways(stretch: Stretch) -> tuple[tuple[Phase, Sequence[str], Sequence[str]], ...]:
    """Return what stands before the middle period and what behind it, as each phase goes."""
    before, after = stretch.before, stretch.after
    return ("forward", before, after), ("backward", after, before)


def _times(stretch: Stretch, step: Step) -> int:
    return len(list(names(stretch.middle[0], step.repeats)))


def _cut(
    changes: Sequence[Change],
    phase: Phase,
    stretch: Stretch,
    first: Sequence[str],
    then: Sequence[str],
) -> tuple[int, int] | None:
    """Return where the changes of the middle period begin and end, in one phase.

    None where they are not those of the period beside it.
    """
    start, middle, end = (
        _first_in(changes, phase, paths) for paths in (first, stretch.middle, then)
    )
    if phase == "backward":  # the period before comes behind, and its own end is not marked
        beside = changes[end : end + middle_size] if (middle_size := end - middle) > 0 else ()
    else:
        beside = changes[start:middle]
    own = changes[middle:end]
    same = [change.bytes for change in own] == [change.bytes for change in beside]
    return (middle, end) if own and same else None


def _first_in(changes: Sequence[Change], phase: Phase, paths: Sequence[str]) -> int:
    """Return the place of the first change in any of these blocks."""
    inside = tuple(f"{path}." for path in paths)
    for place, change in enumerate(changes):
        if change.phase == phase and f"{change.path}.".startswith(inside):
            return place
    return -1


def _with_all_gradients(step: Step) -> Sequence[Change]:
    """Return the changes, of which the last gives back the gradients of all copies."""
    more = sum(
        held.gradient * (len(list(names(held.path, step.repeats))) - 1) for held in step.parameters
    )
    if not more:
        return step.changes
    *others, last = step.changes
    return (*others, replace(last, bytes=last.bytes - more))


def _turns(changes: Sequence[Change], cuts: Sequence[tuple[int, int, int]]) -> Iterator[Turn]:
    place = 0
    for start, end, times in cuts:
        yield Turn(changes=changes[place:start])
        yield Turn(changes=changes[start:end], times=times)
        place = end
    yield Turn(changes=changes[place:])
