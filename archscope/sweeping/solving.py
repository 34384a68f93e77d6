"""The value of one field by which a measure comes nearest to what is wanted: `params=124M`.

By a census where the family has one (what is found is then counted by the engines, as every
variant), else by the engines themselves: a measure that grows or shrinks along the field is met as
nearly as it can be; what it misses by is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from archscope import specs
from archscope.assertions import Dimension, Found, Number
from archscope.errors import ArchscopeError, UsageError
from archscope.records import frozen
from archscope.studies.measures import Measure, measure
from archscope.studies.nearest import Evaluate, Point, nearest
from archscope.studies.sweep.outcomes import RESIDUAL

_HIGHEST = 2**24
"""Where a field states no largest value."""


@frozen
class Solve:
    """What is wanted of a measure, and the field that is free for it."""

    field: str
    """The field whose value is found."""
    measure: str
    """What is to come near, e.g. `params`."""
    dimension: Dimension
    """What it is measured in."""
    target: str
    """What it is to be, as an exact number: `124000000`, `1/2`."""
    low: int
    """The smallest value that the field may have."""
    high: int
    """The largest."""

    @property
    def wanted(self) -> Fraction:
        """What the measure is to be."""
        return Fraction(self.target)

    @property
    def of(self) -> Measure:
        """The measure."""
        return measure(self.measure)


@frozen
class Solved:
    """The value that comes nearest, and what it misses by."""

    point: Point
    """The value, and the measure there."""
    residual: Fraction
    """By how much of what was wanted it is above; below 0 it is below."""


def solve_of(
    spec: type | None, field: str, of: Measure, dimension: Dimension, wanted: Fraction
) -> Solve:
    """Return what is to be solved; raises `UsageError` where the field holds no integer."""
    known = {} if spec is None else {flag.name: flag for flag in specs.flags(spec)}
    name = field.replace("-", "_")
    if name not in known or known[name].kind not in ("integer", "list") or known[name].kinds:
        whole = [n for n, f in known.items() if f.kind in ("integer", "list") and not f.kinds]
        those = f"those are {', '.join(whole)}" if whole else "a network of your own has none"
        raise UsageError(f"--solve {field}: it is not a field that holds integers; {those}")
    if wanted <= 0:
        raise UsageError(f"--iso {of.name}: the target must be greater than 0")
    low, high = known[name].low, known[name].high
    return Solve(
        field=name,
        measure=of.name,
        dimension=dimension,
        target=str(wanted),
        low=max(1, int(low or 1)),
        high=int(high or _HIGHEST),
    )


def solved(solve: Solve, evaluate: Evaluate) -> Solved:
    """Return the value that comes nearest to what is wanted.

    Raises `ArchscopeError` where no value makes a network.
    """
    best = nearest(solve.wanted, solve.low, solve.high, evaluate)
    if best is None:
        raise ArchscopeError(f"no value of {solve.field} gives a valid network here")
    return Solved(point=best, residual=(Fraction(best.number) - solve.wanted) / solve.wanted)


def worst(found: Found, solve: Solve) -> Number:
    """Return a measure as one number, along its worst axis; raises `ArchscopeError` if unknown."""
    if not found.values or found.bound:
        reason = found.why or f"only {found.bound} is known, which"
        raise ArchscopeError(f"{solve.measure} is not known exactly, because {reason}")
    return min(found.values) if solve.of.quantity.better == "more" else max(found.values)


def found_fields(
    solve: Solve, found: Solved, fields: Mapping[str, Any]
) -> Iterator[tuple[str, dict[Dimension, Found]]]:
    """Yield what an answer keeps: the numbers of the spec, the value found, what it misses by."""
    for name, value in fields.items():
        several = value if isinstance(value, list | tuple) else (value,)
        yield name, {"count": Found(values=tuple(several))}
    yield solve.field, {"count": Found(values=(found.point.value,))}
    yield RESIDUAL, {"share": Found(values=(found.residual,))}
