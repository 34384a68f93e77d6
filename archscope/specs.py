"""Reads, checks and labels any spec: a frozen dataclass whose fields are made by `option`.

One definition of a field gives its flag, default, help, range, JSON key and sweep axis. A field is
an `int`, a `float`, a `bool`, a `Literal` of words, a tuple of integers, or one of these or None.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, TypeVar

from archscope.errors import SpecError, UsageError, did_you_mean
from archscope.records import frozen

T = TypeVar("T")
_METADATA = "archscope.option"


@frozen
class Option:
    """What a field of a spec says of itself, beside its type and default."""

    help: str
    """One line: what the number is and in which unit."""
    low: float | None
    """Smallest value that is allowed, of a list: smallest item."""
    high: float | None
    """Largest value that is allowed, of a list: largest item."""
    along: bool
    """Whether there may be one for each axis, of a list in each item: `3x5` or `3:5`."""
    words: tuple[str, ...]
    """Words that an item of a list may be."""
    sides: bool
    """Whether an item of a list may have a number before and one after: `6+0`."""


def option(
    default: T,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    along: bool = False,
    words: tuple[str, ...] = (),
    sides: bool = False,
) -> T:
    """Declare one field of a spec; the result stands where a dataclass field's default would."""
    declared = Option(help=help, low=low, high=high, along=along, words=words, sides=sides)
    return dataclasses.field(default=default, metadata={_METADATA: declared})


@frozen
class Field:
    """One field of a spec, ready to be read from text or offered as a flag."""

    name: str
    """The spec's attribute, e.g. `d_model`; also the JSON key and the sweep axis."""
    kind: Literal["integer", "number", "switch", "choice", "list"]
    """How a text is read."""
    optional: bool
    """Whether None is allowed."""
    default: Any
    """The value when nothing is said."""
    choices: tuple[str, ...]
    """The allowed words of a choice or of the items of a list, else empty."""
    help: str
    """One line, without the default and the range."""
    low: float | None
    """Smallest allowed value."""
    high: float | None
    """Largest allowed value."""
    along: bool
    """Whether there may be one for each axis."""
    sides: bool
    """Whether an item may have a number before and one after."""

    @property
    def flag(self) -> str:
        """The command-line flag, e.g. `--d-model`."""
        return flag_of(self.name)

    def parse(self, text: str) -> Any:
        """Read `text` as this field's type; raises `SpecError`. Ranges are checked by `check`."""
        if self.optional and text.lower() == "none":
            return None
        match self.kind:
            case "integer" if self.along:
                return self._item(text, "")
            case "integer":
                return self._integer(text, text, "is not an integer")
            case "number":
                return self._number(text)
            case "switch":
                return self._switch(text)
            case "list":
                return self._list(text)
            case "choice":
                return text

    def check(self, value: Any) -> None:
        """Raise `SpecError` where `value` is not of this field's type, words or range."""
        if value is None and self.optional:
            return
        if self.kind == "integer" and self.along and isinstance(value, tuple):
            self._check_items(value)
            return
        expected: dict[str, tuple[Any, str]] = {
            "integer": (int, "is not an integer"),
            "number": ((int, float), "is not a number"),
            "switch": (bool, "is not True or False"),
            "list": (tuple, "is not a tuple of integers"),
            "choice": (str, "is not a word"),
        }
        type_, problem = expected[self.kind]
        if not isinstance(value, type_) or (self.kind != "switch" and isinstance(value, bool)):
            raise SpecError(self.name, value, problem)
        if self.kind == "choice" and value not in self.choices:
            near = did_you_mean(value, self.choices)
            words = ", ".join(repr(word) for word in self.choices)
            raise SpecError(
                self.name, value, f"is not one of {words}" + ("." + near if near else "")
            )
        if self.kind == "list":
            self._check_items(value)
        elif self.kind in ("integer", "number"):
            self._check_range(value, value, "")

    def coerced(self, value: Any) -> Any:
        """Return a value given in Python as the field holds it; see `specs.coerced`."""
        if isinstance(value, str) and (self.kind == "list" or self.along):
            return self.parse(value)
        if isinstance(value, list | tuple):
            return tuple(self._given(one) for one in value)
        return (value,) if self.kind == "list" and value is not None else value

    def _given(self, item: Any) -> Any:
        if isinstance(item, str):
            return self._item(item, "")
        return tuple(item) if isinstance(item, list) else item

    def _check_items(self, items: tuple[Any, ...]) -> None:
        for position, item in enumerate(items, start=1):
            where = f"(item {position}) "
            if isinstance(item, tuple) and not (self.along and item):
                raise SpecError(self.name, item, f"{where}is not an integer")
            for one in item if isinstance(item, tuple) else (item,):
                self._check_item(one, where)

    def _check_item(self, item: Any, where: str) -> None:
        if isinstance(item, str) and self.choices:
            near = did_you_mean(item, self.choices)
            if item not in self.choices and not self._has_sides(item):
                words = ", ".join(map(repr, self.choices))
                raise SpecError(
                    self.name,
                    item,
                    f"{where}is not a number or one of {words}" + ("." + near if near else ""),
                )
            return
        if not isinstance(item, int) or isinstance(item, bool):
            raise SpecError(self.name, item, f"{where}is not an integer")
        self._check_range(item, item, where)

    def _has_sides(self, item: str) -> bool:
        """Return whether an item is a number before and one after, e.g. `6+0`."""
        before, plus, after = item.partition("+")
        return self.sides and bool(plus) and before.isdecimal() and after.isdecimal()

    def _check_range(self, value: float, shown: object, where: str) -> None:
        low, high = self.low, self.high
        if (low is None or value >= low) and (high is None or value <= high):
            return
        if low is None or high is None:
            bound = f"x>={low:g}" if low is not None else f"x<={high:g}"
        else:
            bound = f"{low:.12g}<=x<={high:.12g}"
        raise SpecError(self.name, shown, f"{where}is not in the range {bound}")

    def _integer(self, text: str, shown: str, problem: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise SpecError(self.name, shown, problem) from None

    def _number(self, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise SpecError(self.name, text, "is not a number") from None

    def _switch(self, text: str) -> bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in words:
            raise SpecError(self.name, text, "is not true or false")
        return words[text.lower()]

    def _list(self, text: str) -> tuple[Any, ...]:
        items = text.replace("/", ",").split(",")
        return tuple(
            self._item(item.strip(), f"(item {position}) ")
            for position, item in enumerate(items, start=1)
        )

    def _item(self, text: str, where: str) -> Any:
        parts = _BETWEEN_AXES.split(text) if self.along else [text]
        if len(parts) == 1 or (not any(letter.isdecimal() for letter in text) and not all(parts)):
            return self._one(text, text, f"{where}is not an integer. {self._hint(text)}")
        problem = f"{where}is not an integer for each axis. {self._hint(text)}"
        return tuple(self._one(part.strip(), text, problem) for part in parts)

    def _one(self, text: str, shown: str, problem: str) -> Any:
        if self.choices and not text.lstrip("-").isdecimal():
            return text  # `check` says what is no word
        return self._integer(text, shown, problem)

    def _hint(self, text: str) -> str:
        if self.kind == "integer":
            return "Write a number, or one for each axis, e.g. 80x1000"
        if any(letter.isdecimal() for letter in text):
            return f"Write {{{self.name}}} as a list, e.g. 1,2,4, or 3x5 for 3 and 5 on two axes"
        return f"Write {{{self.name}}} as a comma-separated list, e.g. 1,2,4"


_BETWEEN_AXES = re.compile("[x×:]")


def fields(spec_type: type) -> tuple[Field, ...]:
    """Return the fields of a spec in the order in which they are declared."""
    return _fields(spec_type)


@cache
def _fields(spec_type: Any) -> tuple[Field, ...]:
    hints = typing.get_type_hints(spec_type)
    return tuple(_field(field, hints[field.name]) for field in dataclasses.fields(spec_type))


def _field(field: dataclasses.Field[Any], hint: Any) -> Field:
    declared: Option = field.metadata[_METADATA]
    plain, optional = _without_none(hint)
    kind, choices = _kind(plain)
    return Field(
        name=field.name,
        kind=kind,
        optional=optional,
        default=field.default,
        choices=choices or declared.words,
        help=declared.help,
        low=declared.low,
        high=declared.high,
        along=declared.along,
        sides=declared.sides,
    )


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        plain = [part for part in typing.get_args(hint) if part is not types.NoneType]
        return plain[0], True
    return hint, False


def _kind(
    hint: Any,
) -> tuple[Literal["integer", "number", "switch", "choice", "list"], tuple[str, ...]]:
    if typing.get_origin(hint) is Literal:
        return "choice", typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return "list", ()
    if hint is bool:
        return "switch", ()
    if hint is int:
        return "integer", ()
    if hint is float:
        return "number", ()
    raise TypeError(f"a spec field cannot be a {hint}")


def check(spec: Any) -> None:
    """Check every field of `spec` by itself; a spec calls it first in its `__post_init__`."""
    for field in fields(type(spec)):
        field.check(getattr(spec, field.name))


def read(spec_type: type[T], texts: Mapping[str, Any]) -> T:
    """Build a spec from field names and texts, as typed on the command line or after a colon.

    >>> read(TransformerSpec, {"depth": "24"}).depth  # doctest: +SKIP
    24
    """
    return spec_type(**parse(spec_type, texts))


def parse(spec_type: type, texts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that texts stand for, by field; what is no text is a value already.

    Raises `UsageError` for a name that is no field, `SpecError` for a text that says no value.
    """
    known = {field.name: field for field in fields(spec_type)}
    values = {}
    for name, text in texts.items():
        field = known.get(name.replace("-", "_"))
        if field is None:
            near = did_you_mean(name, tuple(known))
            raise UsageError(f"no field is called {name!r}; there are {', '.join(known)}.{near}")
        values[field.name] = field.parse(text) if isinstance(text, str) else text
    return values


def values(spec: Any) -> dict[str, Any]:
    """Return a spec's fields as plain JSON values, in the order in which they are declared."""
    pairs = ((field.name, getattr(spec, field.name)) for field in fields(type(spec)))
    return {name: _plain(value) for name, value in pairs}


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def coerced(spec_type: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given to fields in Python as the spec holds it.

    One number or word stands for a list of it, a list for a tuple, a text for what it says when it
    is typed.
    """
    known = {field.name: field for field in fields(spec_type)}
    return {
        name: known[name].coerced(value) if name in known else value
        for name, value in values.items()
    }


def flag_of(name: str) -> str:
    """Return the command-line flag of a field or setting, e.g. `--d-model`."""
    return "--" + name.replace("_", "-")


def listed(items: Sequence[object]) -> str:
    """Return a list as it is typed on the command line, e.g. `1,2,4` or `3x5,3`.

    >>> listed(((3, 5), 3))
    '3x5,3'
    """
    return ",".join(map(typed, items))


def typed(item: object) -> str:
    """Return an item of a list as it is typed: one for each axis with `x` or `:` between."""
    if not isinstance(item, tuple):
        return str(item)
    return (":" if any(isinstance(one, str) for one in item) else "x").join(map(str, item))


def nearest_divisors(number: int, near: int) -> tuple[int, ...]:
    """Return the divisors of `number` next below and next above `near`, for an error message."""
    below = next((n for n in range(near - 1, 0, -1) if number % n == 0), None)
    above = next((n for n in range(near + 1, number + 1) if number % n == 0), None)
    return tuple(n for n in (below, above) if n is not None)
