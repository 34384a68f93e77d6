"""The variants that a search chooses among: every choice of a value on each axis, made when asked.

A variant is named by its place: the number of its value on each axis.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any

from archscope.assertions import Dimension, Found
from archscope.errors import SpecError, UsageError
from archscope.families import Family
from archscope.records import frozen
from archscope.specs import assembled, fields, flags, typed
from archscope.specs.space import Possible, is_number, number_of
from archscope.studies.measures import measures
from archscope.studies.search.closed_form import Known

Place = tuple[int, ...]
"""The number of a value on each axis."""


@frozen
class Axis:
    """One field that is chosen."""

    name: str
    """The field."""
    values: tuple[Any, ...]
    """What it may be; numbers from the smallest to the largest."""
    ordered: bool
    """Whether these are numbers."""


def axis(name: str, values: Sequence[Any]) -> Axis:
    """Return an axis of values, each once."""
    each = tuple(dict.fromkeys(values))
    if not each:
        raise UsageError(f"{name} has no values to choose from")
    ordered = all(map(is_number, each))
    return Axis(
        name=name,
        values=tuple(sorted(each, key=number_of)) if ordered else each,
        ordered=ordered,
    )


class Variants:
    """A family with some fields fixed and some to choose."""

    def __init__(
        self,
        family: Family,
        fixed: Mapping[str, Any],
        chosen: Mapping[str, Sequence[Any]],
        rate: Fraction | None = None,
        *,
        name: str = "",
        implied: Collection[str] = (),
        solve: str = "",
    ) -> None:
        """Take fields that are `fixed` and the values of those that are `chosen`.

        What the family has to choose beside these is chosen too. `name` is what names the network
        where that is not the family, and `implied` are the fixed fields that the name says.
        `solve` is the field by which all are made alike in something.
        Raises `UsageError` for what is no field of it, or no value of one.
        """
        self.family, self.rate, self.space = family, rate, family.choices()
        self._name, self._implied = name or family.name, implied
        both = sorted(fixed.keys() & chosen.keys())
        if both:
            raise UsageError(f"{both[0]} is both fixed and chosen; give one")
        said: dict[str, tuple[Any, ...]] = {
            name: (self._held(name, fixed[name]),) for name in fixed
        }
        said |= {name: tuple(self._held(name, v) for v in chosen[name]) for name in chosen}
        usual = dict(self.space.axes(said))
        if solve and solve == self.space.width and solve not in said:
            usual[solve] = self.space.widths
        self.axes = tuple(axis(name, v) for name, v in _in_order(usual, said, chosen))
        self._fixed = {name: values[0] for name, values in said.items() if name in fixed}
        self._known: dict[Place, Known | SpecError] = {}

    def __len__(self) -> int:
        return prod(len(each.values) for each in self.axes)

    def _held(self, name: str, value: Any) -> Any:
        """Return a value as its field holds it, or the word that it is."""
        if self.space.word(name, value) is not None:
            return value
        known = {flag.name: flag for flag in flags(self.family.spec)}
        if name not in known:
            assembled(self.family.spec, {name: value})  # says that no field is called so
        held = known[name].after(None, value)
        known[name].check(held)
        return held

    @property
    def possible(self) -> Possible:
        """All values that each field of a variant may have."""
        each = {field.name: (field.default,) for field in fields(self.family.spec)}
        each |= {name: (value,) for name, value in self._fixed.items()}
        return each | {axis.name: axis.values for axis in self.axes}

    def said(self, at: Place) -> dict[str, Any]:
        """Return the values on the axes, words as they are."""
        return {axis.name: axis.values[n] for axis, n in zip(self.axes, at, strict=True)}

    def at(self, at: Place) -> Known:
        """Return one variant; raises `SpecError` where there is no such network."""
        found = self._known.get(at)
        if found is None:
            try:
                spec = self.family.spec(**assembled(self.family.spec, self._fields(at)))
                found = Known(self.family, spec, self.rate)
            except SpecError as error:
                found = error
            self._known[at] = found
        if isinstance(found, SpecError):
            raise found
        return found

    def found(self, at: Place, name: str, dimension: Dimension) -> Found:
        """Return what is known of a measure or a field of one variant."""
        measure = measures().get(name)
        known = self.at(at)
        return known.field(name) if measure is None else known.measured(measure, dimension)

    def _fields(self, at: Place) -> dict[str, Any]:
        """Return the fields of a variant, with what words stand for."""
        said = self._fixed | self.said(at)
        made = dict(said)
        for name, value in said.items():
            word = self.space.word(name, value)
            if word is not None:
                means, numbers = word
                made[name] = means({k: v for k, v in said.items() if k != name}, *numbers)
                if made[name] is None:
                    raise SpecError(name, value, "has no meaning together with the other fields")
        return made

    def text(self, at: Place) -> str:
        """Return what was chosen for one variant, e.g. `depth 11, channels 8`."""
        chosen = zip(self.axes, self.said(at).items(), strict=True)
        return ", ".join(
            f"{name.replace('_', ' ')} {_typed(value)}"
            for axis, (name, value) in chosen
            if len(axis.values) > 1 or len(self) == 1
        )

    def model(self, at: Place) -> str:
        """Return a variant as MODEL, e.g. `cnn:depth=11,channels=8`."""
        made = {name: v for name, v in self._fields(at).items() if name not in self._implied}
        return f"{self._name}:{','.join(f'{name}={_typed(value)}' for name, value in made.items())}"


def _in_order(
    usual: Possible, said: Possible, chosen: Mapping[str, Sequence[Any]]
) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the axes that a person gave, then the family's own."""
    return [*((name, said[name]) for name in chosen), *usual.items()]


def _typed(value: Any) -> str:
    """Return a value as it is typed behind a colon, a list with slashes."""
    if isinstance(value, tuple):
        return "/".join(map(typed, value))
    return typed(value)
