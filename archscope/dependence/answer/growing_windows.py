"""Which modules have windows that grow with the input, as running sums and adaptive pools do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from archscope.dependence.answer.examine import Examination
from archscope.dependence.record.graph import Value
from archscope.dependence.rules.sequence import RUNNING
from archscope.dependence.sets.links import Links, Ranges
from archscope.dependence.sets.steps import ReduceWhere, Step, Take


def growing(one: Examination, two: Examination, target: Value) -> str | None:
    """Return the first module with windows that are larger on the larger input; None: none has.

    Windows that end at a border do not count.
    """
    before = one.ancestors(target)
    for number, (a, b) in enumerate(zip(one.lowered, two.lowered, strict=False)):
        for mine, other in zip(a.edges, b.edges, strict=False):
            if mine.target not in before or mine in one.dependences.cut:
                continue
            for step, larger in zip(mine.steps, other.steps, strict=False):
                if _grows(step, larger):
                    return one.module(number)
    return None


def _grows(step: Step, larger: Step) -> bool:
    """Return whether one position reads more through a step on the larger input.

    Of a softmax over a row and a column at once a row twice as long makes less than twice as much:
    it grows where what it reads grows by half of what there is to read, or more.
    """
    if isinstance(step, Take) and isinstance(larger, Take):
        widest = _widest(larger.links)
        return widest > 1 and 2 * widest >= 3 * _widest(step.links) > 0
    if isinstance(step, ReduceWhere) and isinstance(larger, ReduceWhere):
        more: int = larger.mask.shape[larger.axis] - step.mask.shape[step.axis]
        return 2 * (_most(larger) - _most(step)) >= more > 0
    return False


def _most(step: ReduceWhere) -> int:
    return int(np.count_nonzero(step.mask, axis=step.axis).max(initial=0))


def _widest(links: Links) -> int:
    """Return how many positions are read at most by one that no border cuts short."""
    counts = links.counts if links.clipped is None else links.counts[~links.clipped]
    return int(counts.max(initial=0))


def sums_far(exam: Examination) -> bool:
    """Return whether a running sum is over at least half of an axis."""
    return any(map(_goes_far, _running(exam)))


def _running(exam: Examination) -> Iterator[Links]:
    for each in exam.lowered:
        for edge in each.edges if each.node.operator in RUNNING else ():
            yield from (step.links for step in edge.steps if isinstance(step, Take))


def _goes_far(links: Links) -> bool:
    """Return whether some position reads at least half of an axis, and no border cuts it short."""
    return isinstance(links, Ranges) and links.clipped is None and 2 * _widest(links) >= links.reads
