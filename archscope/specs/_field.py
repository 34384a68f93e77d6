"""One field of a spec: how it is read, checked and offered as a flag."""

from __future__ import annotations

import re
from typing import Any, Literal

from archscope.amounts import whole
from archscope.errors import SpecError, did_you_mean, same_word
from archscope.records import frozen
from archscope.specs._kinds import Kind, kept, read
from archscope.specs._typed import flag_of

Reading = Literal["integer", "number", "switch", "choice", "list", "text"]
"""How a text is read as a field's type."""
_NUMBER_TYPES = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}
"""The words for torch's number types, by its own names for them."""


def number_type(value: Any) -> Any:
    """Return the word for a number type as torch calls it; anything else as it is.

    >>> number_type("bfloat16"), number_type("tf32")
    ('bf16', 'tf32')
    """
    return _NUMBER_TYPES.get(str(value).removeprefix("torch."), value)


_SEVERAL = ". archscope sweep takes several of a network's fields, 6,12 or 4:16"


@frozen
class Field:
    """One field of a spec, ready to be read from text or offered as a flag."""

    name: str
    """The spec's attribute, e.g. `d_model`; also the JSON key and the sweep axis."""
    kind: Reading
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
    chooses: bool
    """Of a part of a kind: whether giving it chooses that kind."""
    also: str
    """Another name of a setting, where the network that is asked of has no field of it."""
    several: bool
    """Whether it is a text of several parts with commas between, of which a flag may give each."""
    kinds: tuple[Kind, ...]
    """The kinds of a choice, or of a list's items, that carry numbers of their own; else empty."""

    @property
    def flag(self) -> str:
        """The command-line flag, e.g. `--d-model`."""
        return flag_of(self.name)

    def parse(self, text: str) -> Any:
        """Read `text` as this field's type; raises `SpecError`. Ranges are checked by `check`."""
        if self.optional and text.lower() == "none":
            return None
        if self.kinds:
            return self._kinds(text)
        match self.kind:
            case "integer" if self.along:
                return self._item(text, "")
            case "integer":
                is_list = not set(text).isdisjoint(",:;")
                hint = _SEVERAL if is_list else ""
                return self._integer(text, text, f"is not an integer{hint}")
            case "number":
                return self._number(text)
            case "switch":
                return self._switch(text)
            case "list":
                return self._list(text)
            case "choice":
                return self._chosen(text)
            case "text":
                return text

    def check(self, value: Any) -> None:
        """Raise `SpecError` where `value` is not of this field's type, words or range."""
        if value is None and self.optional:
            return
        if self.kinds:
            self._check_kinds(value)
            return
        if self.kind == "integer" and self.along and isinstance(value, tuple):
            self._check_items(value)
            return
        expected: dict[str, tuple[Any, str]] = {
            "integer": (int, "is not an integer"),
            "number": ((int, float), "is not a number"),
            "switch": (bool, "is not True or False"),
            "list": (tuple, "is not a tuple of integers"),
            "choice": (str, f"is not one of {', '.join(map(repr, self.choices))}"),
            "text": (str, "is not a text"),
        }
        type_, problem = expected[self.kind]
        if not isinstance(value, type_) or (self.kind != "switch" and isinstance(value, bool)):
            raise SpecError(self.name, value, problem)
        if self.kind == "choice" and value not in self.choices:
            near = did_you_mean(value, self.choices)
            raise SpecError(self.name, value, problem + ("." + near if near else ""))
        if self.kind == "list":
            self._check_items(value)
        elif self.kind in ("integer", "number"):
            self._check_range(value, value, "")

    def coerced(self, value: Any) -> Any:
        """Return a value given in Python as the field holds it; see `specs.coerced`."""
        value = of_python(value)
        if self.kind == "choice":
            value = self._chosen(value)
        if isinstance(value, str) and (self.kind in ("list", "integer") or self.kinds):
            return self.parse(value)
        if isinstance(value, list | tuple):
            return tuple(self._given(one) for one in value)
        return (value,) if self.kind == "list" and value is not None else value

    def _chosen(self, value: Any) -> Any:
        """Return the word that is meant, by torch's name of a number type or in other letters."""
        word = number_type(value)
        same = same_word(word, self.choices) if isinstance(word, str) else None
        return value if same is None else same

    def after(self, old: Any, given: Any) -> Any:
        """Return the value where `given` follows upon `old`: a text is read, a value coerced.

        The word of a kind alone keeps those numbers that the kind before it has too.
        """
        word = given.strip() if isinstance(given, str) else None
        kind = next((kind for kind in self.kinds if kind.word == word), None)
        if kind is not None and self.kind == "choice" and old is not None:
            return kept(kind, old)
        return self.parse(given) if word is not None else self.coerced(given)

    def _kinds(self, text: str) -> Any:
        found = read(self.name, text, self.kinds)
        if self.kind == "list":
            return found
        if len(found) > 1:
            raise SpecError(self.name, text, f"names {len(found)} kinds; give one")
        return found[0]

    def _check_kinds(self, value: Any) -> None:
        """Raise `SpecError` where a value is none of the kinds, or a number of it cannot be."""
        known = {kind.made: kind for kind in self.kinds}
        values = value if self.kind == "list" and isinstance(value, tuple) else (value,)
        for one in values:
            if type(one) not in known:
                words = ", ".join(repr(kind.word) for kind in self.kinds)
                raise SpecError(self.name, one, f"is not one of {words}")
            for part in known[type(one)].parts:
                part.check(getattr(one, part.name))
        if not values:
            problem = f"has no items. Give at least one, e.g. {self.choices[0]}"
            raise SpecError(self.name, (), problem)

    def _given(self, item: Any) -> Any:
        if isinstance(item, str) and self.kinds:
            return read(self.name, item, self.kinds)[0]
        if isinstance(item, str):
            return self._item(item, "")
        item = of_python(item)
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
            if item not in self.choices and not self._has_sides(item):
                near = did_you_mean(item, self.choices)
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
            found = whole(text)
        if found is None:
            raise SpecError(self.name, shown, problem)
        return found

    def _number(self, text: str) -> float:
        """Return a number; a share of 1 may be a percentage."""
        percentage = self.high == 1 and text.endswith("%")
        try:
            return float(text[:-1]) / 100 if percentage else float(text)
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


def of_python(value: Any) -> Any:
    """Return numbers of NumPy and torch, and ranges, as Python's numbers and lists."""
    if isinstance(value, range):
        return list(value)
    as_list = getattr(value, "tolist", None)
    return value if as_list is None else as_list()
