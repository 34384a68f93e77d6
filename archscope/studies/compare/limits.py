"""By how much a measure may grow or shrink against the first network, e.g. `params:+1%`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Literal

from archscope.assertions import Dimension, Found, Number, read_amount, shown
from archscope.errors import UsageError
from archscope.records import frozen
from archscope.studies.compare.sides import Side, obstacles, within_noise
from archscope.studies.measures import Measure, measure

_FORM = re.compile(
    r"\s*(?P<name>[A-Za-z][\w -]*?)\s*:\s*(?P<way>[+-])\s*(?P<amount>[\d.,_]+)\s*(?P<unit>.*?)\s*"
)
_EXAMPLE = "params:+1% (may grow by so much) or coverage:-0 (may not shrink)"


@frozen
class Limit:
    """By how much one measure may change in one way."""

    text: str
    """As it was typed."""
    measure: Measure
    """What it is a limit of."""
    dimension: Dimension
    """What its amount is of."""
    way: Literal["+", "-"]
    """Whether it may grow by so much, or shrink."""
    amount: Fraction
    """By how much."""
    is_share: bool
    """Whether that is a share of what the first network has."""

    def failures(self, first: Side, others: Sequence[Side]) -> Iterator[str]:
        """Yield a line for each network that may go further than that."""
        before = self.measure.of(first.report, self.dimension)
        for other in others:
            after = self.measure.of(other.report, self.dimension)
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
        up = self.way == "+"
        if before.bound == ("at most" if up else "at least"):
            return False
        if after.bound == ("at least" if up else "at most"):
            return False
        pairs = zip(before.values, after.values, strict=True)
        return all(self._allows(Fraction(a), Fraction(b)) for a, b in pairs)

    def _allows(self, before: Fraction, after: Fraction) -> bool:
        room = self.amount * abs(before) if self.is_share else self.amount
        return after <= before + room if self.way == "+" else after >= before - room

    def _failure(self, first: Side, before: Found, other: Side, after: Found) -> str:
        one, two = (_shown(each, self.dimension) for each in (before, after))
        text = f"--fail-on {self.text}: {two} in {other.name}, {one} in {first.name}"
        if self.is_share and not all(before.values):
            return f"{text}; of 0 there is no percentage, so give a number"
        if before.bound or after.bound:
            return f"{text}: whether that holds is not known"
        changes = [
            f"{float(100 * Fraction(b - a) / Fraction(a)):+.4g}%" if a else "from 0"
            for a, b in zip(before.values, after.values, strict=True)
        ]
        return f"{text} ({' × '.join(changes)})"


def _unknown(side: Side, found: Found) -> str:
    if found.values:
        return ""
    because = f": {found.why}" if found.why else ""
    return f"it is unknown of {side.name}{because}"


def _shown(found: Found, dimension: Dimension) -> str:
    each = " × ".join(shown(_number(value), dimension) for value in found.values)
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
    is_share = form["unit"] == "%"
    dimension, amount = of.dimension, _plain(form["amount"], text)
    if amount and not is_share:
        if dimension == "switch":
            raise UsageError(
                f"Invalid value for '--fail-on': {text!r}: {of.name} is so or not; "
                f"write {of.name}:{form['way']}0"
            )
        dimension, amount = read_amount(form["amount"] + form["unit"], of.quantity)
    return Limit(
        text=text,
        measure=of,
        dimension=dimension,
        way="+" if form["way"] == "+" else "-",
        amount=amount / 100 if is_share else amount,
        is_share=is_share,
    )


def _plain(digits: str, text: str) -> Fraction:
    try:
        return Fraction(digits.replace(",", "").replace("_", ""))
    except ValueError:
        raise UsageError(
            f"Invalid value for '--fail-on': {text!r}: {digits!r} is no number; write e.g. "
            f"{_EXAMPLE}"
        ) from None


def failures(limits: Sequence[Limit], sides: Sequence[Side]) -> tuple[str, ...]:
    """Return a line for each limit that a network crosses, or may."""
    first, *others = sides
    return tuple(line for limit in limits for line in limit.failures(first, others))
