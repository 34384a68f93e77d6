"""Every measure of several networks, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archscope.analyses import ANALYSES
from archscope.assertions import Dimension, Found
from archscope.columns import Kind
from archscope.studies.compare.numbers import plain, side_by_side
from archscope.studies.compare.rows import TotalRow, Value
from archscope.studies.compare.sides import Side, obstacle
from archscope.studies.measures import Measure, measures_of

_KINDS: dict[Dimension, Kind] = {
    "switch": "text",
    "positions": "extent",
    "time": "seconds",
    "share": "ratio",
    "count": "count",
    "bytes": "bytes",
}
"""How a value of each dimension is read."""
_WORK = ("macs", "flops", "effective_macs", "throughput")
"""Counts that are so large that a table rounds them."""
_SAME_AS = {"trainable": "params", "active": "params", "smallest_rf": "rf", "local_rf": "rf"}
"""Measures that are told where they differ from another, in any network."""


def total_rows(sides: Sequence[Side]) -> Iterator[TotalRow]:
    """Yield a row for each measure that says something of two networks, or why it is not known."""
    analyses = {section.analysis for side in sides for section in side.report.sections}
    every = measures_of(analyses.intersection(ANALYSES.names()))
    known = {name: [_found(each, side) for side in sides] for name, each in every.items()}
    for name, found in known.items():
        if _says_something(name, found, known.get(_SAME_AS.get(name, ""))):
            yield _row(every[name], sides, found)


def _found(measure: Measure, side: Side) -> Found:
    """Return what a network is known by; no reason where nobody asked the analysis."""
    asked = any(section.analysis == measure.analysis for section in side.report.sections)
    return measure.of(side.report) if asked else Found()


def _says_something(name: str, found: Sequence[Found], like: Sequence[Found] | None) -> bool:
    values = [each.values for each in found]
    told = sum(1 for each in found if each.values or each.why)  # unknown for a reason, too
    if told < 2 or (like and values == [each.values for each in like]):
        return False
    if name in ("complete", "verified") and len(set(values)) == 1:
        return False
    is_known_of_some = () in values and any(values)  # 0, say, of one, and unknown of another
    return is_known_of_some or any(any(each) for each in values)


def _row(measure: Measure, sides: Sequence[Side], found: Sequence[Found]) -> TotalRow:
    values = [_value(each, measure.dimension) for each in found]
    kind: Kind = "work" if measure.name in _WORK else _KINDS[measure.dimension]
    if kind == "count" and any(isinstance(each, tuple) for each in values):
        kind = "number"  # one for each axis
    first, *others = sides
    why = [obstacle(measure, first, other) for other in others]
    fair = [not each and measure.dimension != "switch" for each in why]
    differences, ratios = side_by_side(values, fair)
    return TotalRow(
        measure=measure.name,
        analysis=measure.analysis,
        kind=kind,
        value=tuple(values),
        bound=tuple(each.bound or "exact" for each in found),
        difference=differences,
        ratio=ratios,
        differs=len({(each.values, each.bound) for each in found}) > 1,
        why="; ".join(dict.fromkeys(filter(None, why))),
    )


def _value(found: Found, dimension: Dimension) -> Value:
    if not found.values:
        return None
    each = tuple(map(plain, found.values))
    if dimension == "switch":
        return bool(each[0])
    return each if dimension == "positions" or len(each) > 1 else each[0]
