"""Which random weights and changes a network is tried with, and how much there is time for."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from archscope.dependence.answer.examine import Examination
from archscope.dependence.record.graph import Graph, Value
from archscope.probing.claims import Claim
from archscope.probing.evidence import Limits
from archscope.records import frozen

HUGE = 1e30
"""A change of this size is felt through any number of layers that do not saturate; but it gets
over masks of -10,000, so that with attention changes are `LARGE` instead."""
LARGE = 100.0
ROUNDING = 1e-9
"""Share of the largest output that a change must make where what is rounded is felt everywhere."""
MOST_COPIES = 64
"""Copies of the input in one pass."""
COPIED = 1 << 21
"""Elements up to which the largest map may grow by copies."""


@frozen
class Draw:
    """Which random weights and inputs, and what is changed of these."""

    seed: int
    positive: bool
    """Whether weights are positive, so that every ReLU is open, and inputs tiny."""
    step: float | None
    """By how much inputs are increased; None: their signs change."""


def draws(exam: Examination) -> tuple[Draw, ...]:
    """Return the draws, each of another kind; at least two are made."""
    if rounding_of(exam):  # which a huge change would make huge
        return tuple(Draw(seed=n, positive=False, step=None if n % 2 else 1.0) for n in range(1, 5))
    has_masks = any("softmax" in n.operator or "attention" in n.operator for n in exam.graph.nodes)
    huge = LARGE if has_masks else HUGE
    return (
        Draw(seed=1, positive=False, step=None),
        Draw(seed=2, positive=True, step=huge),
        Draw(seed=3, positive=False, step=LARGE),
        Draw(seed=4, positive=True, step=LARGE),
    )


def rounding_of(exam: Examination) -> float:
    """Return which share of the largest output may be rounding: transforms and sums so far take
    sums over much and let them cancel."""
    transforms = any("fft" in node.operator for node in exam.graph.nodes)
    return ROUNDING if transforms or any(each.cancels for each in exam.lowered) else 0.0


def limits_of(passes: float, *, sees_all: bool) -> Limits:
    """Return how much to ask where the time is enough for so many passes.

    Of an output that sees all there is no edge to be wrong by one: a few spots are enough.
    """
    share = int(passes / 24)
    return Limits(
        spot_checks=min(8 if sees_all else 64, share),
        singles=min(512, share),
        blocks=min(64, share),
        watched=min(4, share // 4),
    )


def copies(claim: Claim) -> int:
    """Return how many copies of the input may run in one pass."""
    shape = claim.exam.seed.shape
    if shape[0] != 1 or 0 in claim.exam.axes or claim.target.shape[:1] != (1,) or 0 in claim.unit:
        return 1
    largest = max(prod(value.shape) for value in _values(claim.exam.graph))
    return max(min(MOST_COPIES, COPIED // max(largest, 1)), 1)


def _values(graph: Graph) -> Iterator[Value]:
    yield from graph.inputs.values()
    for node in graph.nodes:
        yield from (value for value in node.outputs if value is not None)
