"""What prevents a comparison: other inputs, another convention, a bound, another machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archscope.assertions import Found
from archscope.records import frozen
from archscope.results import InputShape, Report
from archscope.studies.measures import Measure

_FREE = (*("params", "trainable", "frozen", "active", "buffers", "weights", "nonzero", "complete"),)
"""Measures of a count that do not hang on what the forward was called with."""
_UNLIKE = (
    *("card", "type", "device name", "number type", "weights and inputs", "memory format"),
    *("attention kernel", "mode", "execution", "batch", "cache", "clock"),
)
"""Conditions of a time that must be alike."""
_MEASURED = ("latency", "throughput")
"""Measures that vary from run to run."""


@frozen
class Side:
    """One of the networks that are compared."""

    name: str
    """What it is called beside the others."""
    report: Report
    """What is known of it."""

    @property
    def given(self) -> tuple[InputShape, ...]:
        """The tensors that its forward was called with; token types are its own affair."""
        inputs = self.report.inputs
        return tuple(each for each in inputs if each.name.partition(".")[0].isdigit()) or inputs

    @property
    def conditions(self) -> Mapping[str, Any]:
        """Under which conditions it was timed."""
        found = self.report.find("time.conditions")
        read = {row.name: row.value for row in found.rows} if found else {}
        bound = self.report.totals_of("time.bounds")
        return read if bound is None else {**read, "card": bound.card, "type": bound.precision}


def inputs_said(side: Side) -> str:
    """Return what a network was called with, e.g. `1×1024 int64`."""
    each = (f"{'×'.join(map(str, t.shape)) or 'scalar'} {t.dtype}" for t in side.given)
    return " and ".join(each)


def other_inputs(first: Side, other: Side) -> str:
    """Return in a clause that two networks were not called with the same; empty: they were."""
    one, two = ([(t.shape, t.dtype) for t in side.given] for side in (first, other))
    if one == two:
        return ""
    said = (f"{side.name} {inputs_said(side) or 'none'}" for side in (first, other))
    return f"inputs differ: {', '.join(said)}"


def other_convention(first: Side, other: Side) -> str:
    """Return in a clause that FLOP means something else in each; empty: it does not."""
    one, two = first.report.convention, other.report.convention
    if one is None or two is None or one == two:
        return ""
    return f"FLOPs are counted otherwise: {first.name} {one.name}, {other.name} {two.name}"


def obstacles(measure: Measure, first: Side, other: Side) -> Iterator[str]:
    """Yield why a measure of two networks cannot be compared, whatever its numbers are."""
    if measure.analysis == "time":
        yield from _other_conditions(first, other)
    if measure.analysis == "rf" or measure.name in _FREE:
        return
    yield other_inputs(first, other)
    if measure.name == "flops":
        yield other_convention(first, other)


def _other_conditions(first: Side, other: Side) -> Iterator[str]:
    one, two = first.conditions, other.conditions
    for name in _UNLIKE:
        if one.get(name) != two.get(name):
            yield (
                f"they were timed under other conditions: {name} {one.get(name)} and "
                f"{two.get(name)}"
            )


def within_noise(measure: Measure, first: Side, other: Side) -> str:
    """Return in a clause that two times cannot be told apart: most samples of both overlap.

    Empty: they can, or these are no times, or not of one machine.
    """
    if measure.name not in _MEASURED or next(_other_conditions(first, other), ""):
        return ""
    from archscope.analyses.time.claims import forward_of  # few reports tell of a time

    one, two = forward_of(first.report), forward_of(other.report)
    if one is None or two is None or one.p5_s > two.p95_s or two.p5_s > one.p95_s:
        return ""
    return "most samples of both overlap (5% to 95%): the difference may be noise"


def bounded(first: Side, other: Side, found: Mapping[str, Found]) -> Iterator[str]:
    """Yield why what is known of a measure is too little to compare."""
    sizes = []
    for side in (first, other):
        known = found[side.name]
        because = f": {known.why}" if known.why else ""
        if not known.values:
            yield f"it is unknown of {side.name}{because}"
        elif known.bound:
            yield f"a bound of {side.name}{because}"
        sizes.append(len(known.values))
    if len(set(sizes)) > 1 and all(sizes):
        yield f"{first.name} has {_axes(sizes[0])}, {other.name} {_axes(sizes[1])}"


def _axes(number: int) -> str:
    return f"{number} axes" if number != 1 else "1 axis"


def obstacle(measure: Measure, first: Side, other: Side) -> str:
    """Return why a measure of two networks cannot be compared; empty: it can."""
    found = {side.name: measure.of(side.report) for side in (first, other)}
    every = (
        *obstacles(measure, first, other),
        *bounded(first, other, found),
        within_noise(measure, first, other),
    )
    return next(filter(None, every), "")
