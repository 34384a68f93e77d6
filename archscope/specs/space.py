"""What of a family is there to be chosen: values for its fields, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from archscope.records import frozen

Fields = Mapping[str, Any]
"""Values of a spec's fields by name."""
Possible = Mapping[str, tuple[Any, ...]]
"""The values that each field of a spec may have: one, or those to choose from."""
Word = Callable[..., Any]
"""What a word stands for: given the other fields, and the number behind the word where it has one.
It is None where the word stands for nothing beside such fields."""
Trends = Mapping[tuple[str, str], int]
"""How a measure goes with a field, by the names of both: 1, it never falls as the field rises; -1,
it never rises; 0, it never changes. `rf.*` stands for every measure of an analysis. A pair that is
not there is not known."""


@frozen
class Space:
    """The choices that a family offers, and what is known of them before any is looked at."""

    axes: Callable[[Possible], Possible]
    """The fields that have to be chosen where nobody says them, each with its usual values, the
    first ones preferred; given the fields that are said."""
    words: Mapping[str, Mapping[str, Word]] = field(default_factory=dict)
    """Words that a field's values may be, e.g. `doubling` for dilations."""
    trends: Callable[[Possible], Trends] = lambda possible: {}
    """What goes up and down together, given all that fields may be; what it says must hold."""
    width: str = ""
    """The field by which networks are made alike in something, e.g. `d_model`; empty: none."""
    widths: tuple[Any, ...] = ()
    """Its values where that is done: closer together than a person would choose among."""
    follows: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    """What a field comes to where a spec leaves it out, given the spec."""

    def word(self, name: str, value: Any) -> tuple[Word, tuple[int, ...]] | None:
        """Return what a value is a word for, with the number behind it; None: it is no word.

        A number stands behind a colon, as in `doubling:2`.
        """
        if not isinstance(value, str):
            return None
        word, _, number = value.partition(":")
        found = self.words.get(name, {}).get(word)
        if found is None or not (number.isdecimal() or not number):
            return None
        return found, ((int(number),) if number else ())


def is_number(value: Any) -> bool:
    """Return whether a value is a number, or a list of one: such values have an order."""
    if isinstance(value, tuple):
        return len(value) == 1 and is_number(value[0])
    return isinstance(value, int | float)


def number_of(value: Any) -> int | float:
    """Return the number that a value is, or the one that it lists."""
    found: int | float = value[0] if isinstance(value, tuple) else value
    return found
