"""A step of a network of which blocks that repeat were run once: what it is with all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from archscope.records import frozen
from archscope.subject import Repeat
from archscope.training.alive import Change, Phase
from archscope.training.saved import Saved


def block_of(path: str, repeats: Sequence[Repeat]) -> Repeat | None:
    """Return the block that a module belongs to and that stands for several, if any."""
    return next((r for r in repeats if path == r.path or path.startswith(f"{r.path}.")), None)


def copies_of(path: str, repeats: Sequence[Repeat], *, weights: bool = False) -> int:
    """Return for how many modules the one at a path stands.

    With `weights` a block that is one and runs so many times counts once.
    """
    block = block_of(path, repeats)
    return 1 if block is None or (weights and block.shared) else len(block.copies)


def times_saved(saved: Saved, repeats: Sequence[Repeat]) -> int:
    """Return how often a block of memory is kept, by one copy each of what keeps it.

    What was made outside of a block is the same for all its copies, as a mask is; but what the
    block before hands on is not, and is there once for each.
    """
    block = block_of(saved.path, repeats)
    if block is None:
        return 1
    inside = saved.made_in is not None and block_of(saved.made_in, repeats) is block
    return len(block.copies) if inside or saved.handed_on else 1


@frozen
class Peak:
    """The most memory that was alive at once, beside what is there before the step."""

    bytes: int
    phase: Phase
    path: str
    """The module at work."""


def peak(changes: Sequence[Change], repeats: Sequence[Repeat] = ()) -> Peak:
    """Return when most memory was alive.

    Copies of a block each change what is alive by the same amount, so that the first or the last of
    them has the most.
    """
    alive, most = 0, Peak(bytes=0, phase="forward", path="")
    for path, run in _runs(changes, repeats):
        copies = copies_of(path, repeats)
        net = sum(change.bytes for change in run)
        before = alive + max(0, (copies - 1) * net)
        for change in run:
            before += change.bytes
            if before > most.bytes:
                most = Peak(bytes=before, phase=change.phase, path=change.path)
        alive += copies * net
    return most


def timeline(
    changes: Sequence[Change], repeats: Sequence[Repeat]
) -> Iterator[tuple[Phase, str, int]]:
    """Yield what is alive after each module's part of the step, each copy of a block's as one."""
    alive = 0
    for path, run in _runs(changes, repeats):
        alive += copies_of(path, repeats) * sum(change.bytes for change in run)
        yield run[-1].phase, path, alive


def _runs(
    changes: Sequence[Change], repeats: Sequence[Repeat]
) -> Iterator[tuple[str, list[Change]]]:
    """Yield changes that follow each other in one module, or in a block that stands for several."""

    def place(change: Change) -> tuple[Phase, str]:
        block = block_of(change.path, repeats)
        return change.phase, change.path if block is None else block.path

    for (_, path), run in groupby(changes, place):
        yield path, list(run)


def bytes_by_module(saved: Sequence[Saved], repeats: Sequence[Repeat]) -> Counter[str]:
    """Return what each module keeps by itself, one copy of those that stand for several."""
    found: Counter[str] = Counter()
    for each in saved:
        found[each.path] += each.bytes
    return found
