"""Axes of a sweep, as they are typed or given in Python: `4:16`, `16:256:*2`, `1/2/4;1/2/5`.

6,12,24         items, of a field that holds one number or word
4:16            a range, both ends among it
4:16:4          in steps
16:256:*2       each so many times the one before
1/2/4;1/2/5     alternatives, of any field; within one of a list `/` or `,`
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from fractions import Fraction
from typing import Any

from archscope import specs
from archscope.amounts import COUNTS
from archscope.columns import Kind
from archscope.errors import SpecError, UsageError
from archscope.records import frozen

MOST_VALUES = 1_000_000
"""Values that one axis may have."""
_NUMBER = r"[+-]?(?:\d[\d_]*)?\.?\d+(?:[eE][+-]?\d+)?(?:[kKmMgGbBtT]i?)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*:\s*({_NUMBER})\s*(?::\s*(\*?)\s*({_NUMBER})\s*)?")


@frozen
class Axis:
    """A field, or an argument of the user's own code, and the values that it takes."""

    name: str
    """The field, e.g. `d_model`."""
    values: tuple[Any, ...]
    """Each once, in order, as the field holds it; kinds that carry numbers as they are typed."""
    is_argument: bool = False
    """Whether it is an argument of the user's own class or function."""
    texts: tuple[str, ...] = field(default=())
    """How it was typed, for a title; empty: by its values."""

    @property
    def kind(self) -> Kind:
        """How its values are read in a table."""
        return kind_of(map(plain_value, self.values))

    @property
    def title(self) -> str:
        """The axis in a few words, e.g. `depth 4:16`."""
        shown = self.texts or tuple(shown_value(value) for value in self.values)
        few = shown if len(shown) <= 4 else (*shown[:2], "…", shown[-1])
        separator = "; " if any("," in text for text in few) else ", "
        return f"{self.name} {separator.join(few)}"


def shown_value(value: Any) -> str:
    """Return a value as it is typed: a list with commas."""
    return specs.listed(value) if isinstance(value, tuple) else specs.typed(value)


def plain_value(value: Any) -> Any:
    """Return a value as a cell holds it: a list as it is typed, of one number that number."""
    if isinstance(value, tuple):
        is_one = len(value) == 1 and isinstance(value[0], int)
        return value[0] if is_one else specs.listed(value)
    return value if isinstance(value, int | float | str | None) else specs.typed(value)


def kind_of(values: Iterable[Any]) -> Kind:
    """Return how the plain values of an axis are read: numbers alone, or texts too."""
    return "number" if all(map(_is_number, values)) else "text"


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def field_axis(of: specs.Field, given: Any) -> Axis | Any:
    """Return what is given for a field as an axis, or as the one value that it is.

    A text is read as it is typed; in Python a list, a range or another iterable is an axis, and a
    tuple one value. Raises `SpecError` for an item that the field cannot hold.
    """
    if isinstance(given, str):
        return _typed(of.name, given, list(_texts(of, given)), of)
    if isinstance(given, tuple | Mapping) or not isinstance(given, Iterable):
        return given
    values = [_checked(of, specs.of_python(one)) for one in given]
    if not values:
        raise UsageError(f"{of.name} has no values; give at least one")
    return _axis(of.name, values)


def argument_axis(name: str, given: Any) -> Axis | Any:
    """Return what is given for an argument of the user's own code as an axis, or as one value."""
    if not isinstance(given, str):
        if isinstance(given, tuple | Mapping) or not isinstance(given, Iterable):
            return given
        return _axis(name, list(map(specs.of_python, given)), is_argument=True)
    if re.match(r"\s*[\[{\"]", given) and ";" not in given:
        return _plain(given)
    several = re.split("[;,]" if ";" not in given else ";", given)
    values = [value for text in several for value in _ranged(name, text) or [_plain(text)]]
    if len(several) == 1 and not _RANGE.fullmatch(given):
        return values[0]
    return _axis(name, values, is_argument=True, texts=(given,))


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        words = {"True": True, "False": False, "None": None}
        return words.get(text.strip(), text.strip())


def _typed(name: str, given: str, texts: list[str], of: specs.Field) -> Axis | Any:
    values = [value for text in texts for value in _ranged(name, text, of) or [_checked(of, text)]]
    if len(texts) == 1 and not _is_range(of, given):
        return values[0]
    return _axis(name, values, texts=(given.strip(),))


def _texts(of: specs.Field, given: str) -> Iterator[str]:
    """Yield the alternatives in a text, each a value or a range."""
    for part in given.split(";"):
        if of.kind == "list" or of.kinds or of.kind == "text":
            yield part.strip()
        else:
            yield from (text.strip() for text in part.split(","))


def _is_range(of: specs.Field, text: str) -> bool:
    return of.kind in ("integer", "number", "list") and _RANGE.fullmatch(text) is not None


def _ranged(name: str, text: str, of: specs.Field | None = None) -> list[Any]:
    """Return the values of a range; none where a text is no range."""
    form = _RANGE.fullmatch(text) if of is None or _is_range(of, text) else None
    if form is None:
        return []
    first, last, step = (_worth(form[n] or "1") for n in (1, 2, 4))
    found = _multiplied if form[3] else _counted
    numbers = [_number(each) for each in found(name, text, first, last, step)]
    if of is None:
        return numbers
    whole = of.kind != "number"
    broken = next((each for each in numbers if whole and isinstance(each, float)), None)
    if broken is not None:
        raise UsageError(f"{of.flag} {text}: {broken:g} is among its values and is not an integer")
    return [_checked(of, each) for each in numbers]


def _worth(text: str) -> Fraction:
    number = text.rstrip("kKmMgGbBtTi")
    return Fraction(number.replace("_", "")) * Fraction(COUNTS[text[len(number) :].lower()])


def _counted(
    name: str, text: str, first: Fraction, last: Fraction, step: Fraction
) -> Iterator[Fraction]:
    if step == 0 or (last - first) * step < 0:
        raise UsageError(f"{name} {text}: the steps from {first} never reach {last}")
    if (last - first) / step >= MOST_VALUES:
        raise UsageError(f"{name} {text}: more than {MOST_VALUES:,} values")
    yield from (first + number * step for number in range(int((last - first) / step) + 1))


def _multiplied(
    name: str, text: str, first: Fraction, last: Fraction, factor: Fraction
) -> Iterator[Fraction]:
    if factor <= 1 or first <= 0 or last < first:
        raise UsageError(f"{name} {text}: write e.g. 16:256:*2, from 16 to 256 by doubling")
    value = first
    while value <= last:
        yield value
        value *= factor


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


def _checked(of: specs.Field, given: Any) -> Any:
    """Return a value as the field holds it; raises `SpecError` for what is no value of it.

    A number that is too small or too large is one: the variant says so itself.
    """
    if of.kinds:
        of.check(of.after(None, given))
        return given if isinstance(given, str) else specs.plain(given)
    value = of.parse(given) if isinstance(given, str) else of.coerced(given)
    try:
        of.check(value)
    except SpecError:
        if not _is_numeric(value):
            raise
    return value


def _is_numeric(value: Any) -> bool:
    """Return whether a value is a number or a list of some."""
    several = value if isinstance(value, tuple) and value else (value,)
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in several)


def _axis(name: str, values: list[Any], **more: Any) -> Axis:
    try:
        once = tuple(dict.fromkeys(_told_apart(value) for value in values))
    except TypeError:
        raise SpecError(name, values[0], "is not a value that a field can have") from None
    return Axis(name=name, values=tuple(value for _, value in once), **more)


def _told_apart(value: Any) -> tuple[type, Any]:
    """Return a value with its type: 1 and true are equal in Python."""
    return type(value), tuple(value) if isinstance(value, list) else value
