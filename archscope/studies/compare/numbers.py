"""Differences and ratios, exactly; what cannot be compared has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from archscope.studies.compare.rows import Value


def plain(number: Any) -> int | float:
    """Return a number as JSON holds it: whole ones as integers."""
    exact = Fraction(number)
    return exact.numerator if exact.denominator == 1 else float(exact)


def difference(first: Value, other: Value) -> Any:
    """Return how much more the other is, along each axis where there are several; None: unknown."""
    if type(first) is int and type(other) is int:
        return other - first
    pairs = _pairs(first, other)
    return None if pairs is None else _alone([plain(b - a) for a, b in pairs], first)


def ratio(first: Value, other: Value) -> Any:
    """Return how many times as much the other is; None where the first has 0, or is unknown."""
    if type(first) is int and type(other) is int:
        return other / first if first else None
    pairs = _pairs(first, other)
    if pairs is None or not all(a for a, _ in pairs):
        return None
    return _alone([float(b / a) for a, b in pairs], first)


def _pairs(first: Value, other: Value) -> list[tuple[Fraction, Fraction]] | None:
    one, two = _axes(first), _axes(other)
    if not one or not two or len(one) != len(two):
        return None
    return [(Fraction(a), Fraction(b)) for a, b in zip(one, two, strict=True)]


def _axes(value: Value) -> Sequence[int | float]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _alone(numbers: list[Any], like: Value) -> Any:
    return tuple(numbers) if isinstance(like, tuple) else numbers[0]


def side_by_side(values: Sequence[Any], compared: Iterable[bool]) -> tuple[tuple[Any, ...], ...]:
    """Return the differences and the ratios of others to the first; None where not compared."""
    first, *others = values
    pairs = list(zip(others, compared, strict=True))
    return (
        tuple(difference(first, each) if fair else None for each, fair in pairs),
        tuple(ratio(first, each) if fair else None for each, fair in pairs),
    )
