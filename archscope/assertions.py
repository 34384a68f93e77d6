"""What a user claims of an answer, e.g. `rf >= 1s` or `causal`: read, and compared with a report.

An analysis declares its quantities; nothing here knows one. Along several axes a claim must hold
along each. What is unknown fails, and a bound proves only what follows from it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import isnan
from typing import Any, Literal

from archscope.amounts import AMOUNT, BYTES, COUNTS, SECONDS
from archscope.amounts import Number as Number
from archscope.errors import UsageError, did_you_mean, same_word
from archscope.records import frozen

Dimension = Literal["switch", "positions", "time", "share", "count", "bytes"]
"""What a number is of: yes or no, positions of an input, seconds, a share of 1, things, bytes."""
_POSITIONS = ("position", "sample", "token", "frame", "pixel", "step")
_POSITION_UNITS: dict[str, Number] = {
    f"{word}{s}": 1 for word in (*_POSITIONS, "px") for s in ("", "s")
}
_UNITS: dict[Dimension, dict[str, Number]] = {
    "positions": COUNTS | _POSITION_UNITS,
    "time": SECONDS,
    "share": {"%": Fraction(1, 100), "": 1},
    "count": COUNTS,
    "bytes": BYTES,
}
"""What each unit is worth; units are read without regard to case."""
UNIT_WORDS = frozenset(unit for units in _UNITS.values() for unit in units if unit)
"""Every unit that may stand behind a number, in small letters."""
_SHOWN: dict[Dimension, tuple[str, ...]] = {
    "positions": ("255",),
    "time": ("40ms", "1s"),
    "share": ("100%",),
    "count": ("1", "25M"),
    "bytes": ("64KiB", "16GiB"),
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_MICROSECONDS = re.compile(r"(?i)[uµ]s\s*$")
_FORM = rf"\s*(?P<name>[A-Za-z][\w -]*?)\s*(?:(?P<sign>>=|<=|==|!=|=|>|<)\s*{AMOUNT})?"


@frozen
class Found:
    """What is known of a quantity."""

    values: tuple[Number, ...] = ()
    """A number for each axis, in positions, seconds, shares, things or bytes; empty: unknown."""
    bound: Literal["", "at least", "at most"] = ""
    """What the numbers are, where they are no more than that."""
    spread: tuple[Number, Number] | None = None
    """What most samples of a measured number lie between, 5% to 95% of them; None: it is exact."""
    why: str = ""
    """Why it is unknown, or no more than a bound."""


@frozen
class Quantity:
    """One thing that can be claimed of an analysis' answer."""

    name: str
    """What the user types, e.g. `ahead`."""
    dimensions: tuple[Dimension, ...]
    """What it can be measured in, the first by itself; a switch is claimed by its name alone."""
    read: Callable[[Any, Dimension], Found]
    """Reads it from a report; raises `UsageError` where a setting is missing for a dimension."""
    aliases: tuple[str, ...] = ()
    """Other words for it."""
    help: str = ""
    """One line: what it is, and of what."""
    better: Literal["", "less", "more"] = ""
    """Which of two networks that are alike otherwise a person prefers; empty: it depends."""
    asks: tuple[tuple[str, Literal[True] | str], ...] = ()
    """Settings of the analysis without which it is not known: True for one that is switched on,
    e.g. `nonzero`, an example of one that a user has to give, as `gpu`."""
    parts: Callable[[Any], Iterable[tuple[str, Number]]] | None = None
    """Reads from a report what it adds up from, by module; None: it is no sum."""


@frozen
class Claim:
    """One claim, understood."""

    text: str
    """As it was typed."""
    quantity: Quantity
    """What it is about."""
    dimension: Dimension
    """What its number is of."""
    sign: str = ""
    """The comparison; empty for a switch."""
    wanted: Number = 1
    """What it is compared with, in seconds, shares, bytes and the like."""

    def failure(self, report: Any) -> str | None:
        """Return what is instead, in a line; None where the claim holds."""
        found = self.quantity.read(report, self.dimension)
        because = f", because {found.why}" if found.why else ""
        if not found.values:
            return f"{self.text}: unknown{because}"
        if self._is_proven(found):
            return None
        if self.dimension == "switch":
            return f"{self.text}: it is not{because}"
        each = " × ".join(map(self._shown, found.values))
        along = ", and must be so along each axis" if len(found.values) > 1 else ""
        if found.bound:
            return f"{self.text}: unknown, it is {found.bound} {each}{because}"
        return f"{self.text}: it is {each}{along}"

    def _shown(self, value: Number) -> str:
        """Return a number with its unit: of a time as it was typed, where that is in µs."""
        if self.dimension == "time" and _MICROSECONDS.search(self.text):
            return f"{float(value) * 10**6:.6g} µs"
        return shown_of_card(value, self.dimension)

    def _is_proven(self, found: Found) -> bool:
        if self.dimension == "switch":
            return all(found.values)
        proving = {"at least": (">=", ">"), "at most": ("<=", "<")}.get(found.bound)
        if proving is not None and self.sign not in proving:
            return False
        if found.spread is not None:  # runs that differ miss only what nearly all of them miss
            low, high = found.spread
            near = (low, high, min(max(self.wanted, low), high))
            return any(_COMPARISONS[self.sign](value, self.wanted) for value in near)
        return all(_COMPARISONS[self.sign](value, self.wanted) for value in found.values)


def read_claims(texts: Iterable[str], known: Sequence[Quantity]) -> tuple[Claim, ...]:
    """Return what texts claim of these quantities.

    Raises `UsageError` for what is no claim, with the nearest name for one that is not known.
    """
    return tuple(_claim(text, known) for text in texts)


def failures(claims: Iterable[Claim], report: Any) -> tuple[str, ...]:
    """Return a line for each claim that does not hold."""
    return tuple(line for claim in claims if (line := claim.failure(report)) is not None)


def _claim(text: str, known: Sequence[Quantity]) -> Claim:
    form = re.fullmatch(_FORM, text)
    if form is None:
        raise UsageError(
            f'assertion {text!r}: write a name, a comparison and a number, e.g. "{_example(known)}"'
        )
    quantity = _named(form["name"], text, known)
    if form["sign"] is None:
        if "switch" not in quantity.dimensions:
            raise UsageError(
                f"assertion {text!r}: give a size, e.g. {quantity.name} >= "
                f"{_SHOWN[quantity.dimensions[0]][0]}"
            )
        return Claim(text=text, quantity=quantity, dimension="switch")
    dimension, wanted = _amount(form, quantity, f"assertion {text!r}")
    sign = "==" if form["sign"] == "=" else form["sign"]
    return Claim(text=text, quantity=quantity, dimension=dimension, sign=sign, wanted=wanted)


def read_amount(text: str, quantity: Quantity) -> tuple[Dimension, Fraction]:
    """Return what a number with its unit is of a quantity, e.g. `25M`, `40ms` or `100%`.

    Raises `UsageError` where that is not a number, or not in a unit of the quantity's.
    """
    form = re.fullmatch(rf"\s*{AMOUNT}", text)
    if form is None:
        examples = " or ".join(_units(quantity))
        if _is_number(text):
            raise UsageError(f"{quantity.name}: {text!r} is out of range; write e.g. {examples}")
        raise UsageError(f"{quantity.name}: {text!r} is not a number such as {examples}")
    return _amount(form, quantity, f"{quantity.name}: {text!r}")


def _is_number(text: str) -> bool:
    """Return whether a text is a number, of whatever size or sign."""
    try:
        return not isnan(float(text))
    except ValueError:
        return False


def _amount(form: re.Match[str], quantity: Quantity, said: str) -> tuple[Dimension, Fraction]:
    dimension, worth = _measured(form["unit"], quantity, said)
    number = Fraction(form["number"].replace(",", "").replace("_", ""))
    if dimension == "share" and not form["unit"] and number > 1:
        whole = f"{float(100 * number):.15g}%"
        raise UsageError(f"{said}: a share is of 1; write {form['number']}%, or {whole}")
    return dimension, number * Fraction(worth)


def _named(name: str, text: str, known: Sequence[Quantity]) -> Quantity:
    names = {word: each for each in known for word in (each.name, *each.aliases)}
    word = same_word(name, names)
    if word is None:
        listed = ", ".join(each.name for each in known)
        near = did_you_mean(name, tuple(names))
        raise UsageError(
            f"assertion {text!r}: there is no measure {name!r}; there are {listed}.{near} "
            "`archscope list measures` says which command has which"
        )
    return names[word]


def _measured(unit: str, quantity: Quantity, said: str) -> tuple[Dimension, Number]:
    for dimension in quantity.dimensions:
        if dimension != "switch" and unit.lower() in _UNITS[dimension]:
            return dimension, _UNITS[dimension][unit.lower()]
    examples = _units(quantity)
    if not examples:
        raise UsageError(f"{said}: {quantity.name} is true or false; write only {quantity.name}")
    what = f"in {unit!r}" if unit else "without a unit"
    raise UsageError(
        f"{said}: {quantity.name} is not measured {what}; write e.g. {' or '.join(examples)}"
    )


def _units(quantity: Quantity) -> list[str]:
    """Return a number or two in the units of a quantity; of a switch none."""
    return [shown for dimension in quantity.dimensions for shown in _SHOWN.get(dimension, ())]


def example_of(quantity: Quantity) -> str:
    """Return a claim of a quantity, in its first unit."""
    sign = "<=" if quantity.better == "less" else ">="
    return next((f"{quantity.name} {sign} {amount}" for amount in _units(quantity)), quantity.name)


def _example(known: Sequence[Quantity]) -> str:
    measured = (each for each in known if _units(each))
    return example_of(next(measured, known[0])) if known else "x >= 1"


def shown(value: Number, dimension: Dimension) -> str:
    """Return a number with its unit, as exactly as a reader can want it."""
    if dimension == "time":
        return f"{float(value) * 1000:.6g} ms"
    if dimension == "share":
        return _percent(Fraction(value))
    number = f"{value:,}" if isinstance(value, int) else f"{float(value):.6g}"
    return (
        number
        + {"positions": " position", "bytes": " byte"}.get(dimension, "")
        + _plural(value, dimension)
    )


def shown_of_card(value: Number, dimension: Dimension) -> str:
    """Return a number with its unit, many bytes also as a card's memory is told."""
    told = shown(value, dimension)
    power = 30 if value >= 2**30 else 20
    if dimension != "bytes" or value < 2**20:
        return told
    return f"{told} ({float(value) / 2**power:.4g} {'GiB' if power == 30 else 'MiB'})"


def _plural(value: Number, dimension: Dimension) -> str:
    return "s" if dimension in ("positions", "bytes") and value != 1 else ""


def _percent(share: Fraction) -> str:
    """Return a share as a percentage that is 0 or 100 only where it is that exactly."""
    text = f"{float(share * 100):,.0f}" if abs(share) >= 10 else f"{float(share * 100):.4g}"
    if text == "100" and share != 1:
        return ">99.99%" if share < 1 else f"{float(share * 100)}%"
    return f"{text}%"
