"""By how much a measure may grow or shrink against the first network, e.g. `params:+1%`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from archscope.assertions import Dimension, Found, Number, shown, shown_of_card
from archscope.errors import UsageError
from archscope.records import frozen
from archscope.studies.changes import Change, read_change
from archscope.studies.compare.sides import Side, obstacles, within_noise
from archscope.studies.measures import Measure, measure

_FORM = re.compile(r"\s*(?P<name>[A-Za-z][\w -]*?)\s*:(?P<change>.+)", re.DOTALL)
_EXAMPLE = "params:+1% (may grow by so much) or coverage:-0 (may not shrink)"


@frozen
class Limit:
    """By how much one measure may change."""

    text: str
    """As it was typed."""
    measure: Measure
    """What it is a limit of."""
    change: Change
    """How much it may rise or fall."""

    def failures(self, first: Side, others: Sequence[Side]) -> Iterator[str]:
        """Yield a line for each network that may go further than that."""
        before = self.measure.of(first.report, self.change.dimension)
        for other in others:
            after = self.measure.of(other.report, self.change.dimension)
            if within_noise(self.measure, first, other):
                continue
            why = next(filter(None, obstacles(self.measure, first, other)), "")
            why = why or _unknown(first, before) or _unknown(other, after)
            if not why and len(before.values) != len(after.values):
                why = "the two have not the same axes"
            if why:
                yield f"--fail-on {self.text}: not compared with {other.name}, because {why}"
            elif not self._holds(before, after):
                yield self._failure(first, before, other, after)

    def _holds(self, before: Found, after: Found) -> bool:
        """Return whether it is proven along each axis; a bound proves what follows from it."""
        up = self.change.sign == "+"
        if before.bound == ("at most" if up else "at least"):
            return False
        if after.bound == ("at least" if up else "at most"):
            return False
        pairs = zip(before.values, after.values, strict=True)
        rooms = (self.change.limit(a) - Fraction(b) for a, b in pairs)
        return all(room >= 0 if up else room <= 0 for room in rooms)

    def _failure(self, first: Side, before: Found, other: Side, after: Found) -> str:
        one, two = (_shown(each, self.change.dimension) for each in (before, after))
        text = f"--fail-on {self.text}: {two} in {other.name}, {one} in {first.name}"
        if self.change.relative and not all(before.values):
            return f"{text}; of 0 there is no percentage, so give a number"
        if before.bound or after.bound:
            return f"{text}: whether that holds is not known"
        changes = [_change(*each) for each in zip(before.values, after.values, strict=True)]
        return f"{text} ({' × '.join(changes)})"


def _change(before: Number, after: Number) -> str:
    """Return how much a number grew, as a percentage with its sign."""
    if not before:
        return "from 0"
    grown = Fraction(after - before) / Fraction(before)
    return f"{'+' * (grown > 0)}{shown(grown, 'share')}"


def _unknown(side: Side, found: Found) -> str:
    if found.values:
        return ""
    because = f": {found.why}" if found.why else ""
    return f"it is unknown of {side.name}{because}"


def _shown(found: Found, dimension: Dimension) -> str:
    each = " × ".join(shown_of_card(_number(value), dimension) for value in found.values)
    return f"{found.bound} {each}" if found.bound else each


def _number(value: Number) -> Number:
    whole = isinstance(value, Fraction) and value.denominator == 1
    return int(value) if whole else value


def read_limits(texts: Sequence[str]) -> tuple[Limit, ...]:
    """Return what texts allow; raises `UsageError` for what is no limit."""
    return tuple(map(_limit, texts))


def _limit(text: str) -> Limit:
    form = _FORM.fullmatch(text)
    if form is None:
        raise UsageError(f"Invalid value for '--fail-on': {text!r}; write e.g. {_EXAMPLE}")
    of = measure(form["name"])
    change = read_change(form["change"], of.quantity, any_dimension=True)
    return Limit(text=text, measure=of, change=change)


def failures(limits: Sequence[Limit], sides: Sequence[Side]) -> tuple[str, ...]:
    """Return a line for each limit that a network crosses, or may."""
    first, *others = sides
    return tuple(line for limit in limits for line in limit.failures(first, others))
