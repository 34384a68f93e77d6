"""The result of one variant, whoever computed it and wherever it was stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from fractions import Fraction
from typing import Any, Literal

from archscope.assertions import Dimension, Found, Number
from archscope.records import frozen
from archscope.specs import flag_of

CLOSED_FORM = "closed form"
"""The road of numbers that follow from a spec."""
CENSUS = "census"
"""The road of numbers by which a variant was ruled out; no engine has counted them."""
SOLVED = "solve"
"""The analysis whose answer is the value of a field, found so that a measure is as wanted."""
_LARGEST = 10**300
"""What is larger is not a number in floating point."""
RESIDUAL = "residual"
"""What that answer calls the share by which the measure is above what was wanted."""
Status = Literal["done", "failed", "open"]
"""`open`: nobody has asked it yet, or its answer was not waited for."""


@frozen
class Answer:
    """What one analysis said of one variant."""

    analysis: str
    """Which, e.g. `params`."""
    found: Mapping[str, Mapping[Dimension, Found]] = field(default_factory=dict)
    """What is known of each measure, in each dimension that it is measured in."""
    road: str = ""
    """How it was found out, e.g. `both engines`; empty where it was not."""
    reason: str = ""
    """Why there is no answer; empty where there is one."""

    @property
    def failed(self) -> bool:
        """Whether the analysis gave no answer."""
        return bool(self.reason)


@frozen
class Outcome:
    """A variant, and what was found of it."""

    place: int
    """Its number among the combinations of the sweep, from 0."""
    name: str
    """What is typed to ask it alone, e.g. `cnn --depth 4`."""
    values: Mapping[str, Any]
    """Its value on every axis, as a plain JSON value."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The numbers and switches of its spec, those of its kinds too, by name; plain values."""
    answers: tuple[Answer, ...] = ()
    """One from each analysis that was asked and has come back."""
    refused: str = ""
    """Why no such network can be made; empty where one can."""
    wanted: tuple[str, ...] = ()
    """The analyses that are asked."""
    free: str = ""
    """The field whose value was looked for; empty: none was."""

    @property
    def command(self) -> str:
        """What is typed to ask it alone, with the value that was found."""
        found = self._solved.get(self.free, {}).get("count")
        return f"{self.name} {flag_of(self.free)} {found.values[0]}" if found else self.name

    @property
    def status(self) -> Status:
        """Whether all is answered."""
        if self.refused or any(answer.failed for answer in self.answers):
            return "failed"
        asked = {answer.analysis for answer in self.answers}
        return "done" if asked >= {*self.wanted} else "open"

    @property
    def reason(self) -> str:
        """Why something of it is not known."""
        said = dict.fromkeys(answer.reason for answer in self.answers if answer.reason)
        return self.refused or "; ".join(said)

    def of(self, measure: str, dimension: Dimension) -> Found:
        """Return what is known of a measure."""
        for answer in self.answers:
            if measure in answer.found:
                unread = Found(why=f"it was not measured in {dimension}")
                return answer.found[measure].get(dimension, unread)
        return Found(why=self.reason or "it was not asked for")

    @property
    def _solved(self) -> Mapping[str, Mapping[Dimension, Found]]:
        return next((a.found for a in self.answers if a.analysis == SOLVED), {})

    @property
    def residual(self) -> float | None:
        """By how much of what was wanted the found value misses it; None: nothing was wanted."""
        found = self._solved.get(RESIDUAL, {}).get("share")
        return float(found.values[0]) if found and found.values else None

    def value(self, name: str) -> Any:
        """Return its value on an axis, or of a field; None where it has no such."""
        found = self._solved.get(name, {}).get("count")
        if found and found.values:
            return found.values[0]
        return self.values.get(name, self.fields.get(name))

    def field(self, name: str) -> Found:
        """Return the numbers that a field of its spec holds."""
        if name in self._solved:
            return self._solved[name]["count"]
        value = self.fields.get(name, self.values.get(name))  # of no network the axes alone
        numbers = value if isinstance(value, list | tuple) else (value,)
        if not numbers or not all(isinstance(each, int | float) for each in numbers):
            return Found(why=self.refused or f"{name} holds no number there")
        return Found(values=tuple(numbers))


def to_json(answer: Answer) -> dict[str, Any]:
    """Return the found numbers of an answer as plain JSON values, exactly."""
    return {
        measure: {dimension: _found(found) for dimension, found in dimensions.items()}
        for measure, dimensions in answer.found.items()
    }


def of_json(data: Any) -> Mapping[str, Mapping[Dimension, Found]]:
    """Return the found numbers that `to_json` wrote; raises `ValueError` for anything else."""
    try:
        return {
            str(measure): {dimension: _read(found) for dimension, found in dimensions.items()}
            for measure, dimensions in data.items()
        }
    except (AttributeError, TypeError, KeyError, ZeroDivisionError) as error:
        raise ValueError(f"no numbers of a sweep: {error}") from None


def _found(found: Found) -> dict[str, Any]:
    values = [str(each) if isinstance(each, Fraction) else each for each in found.values]
    said = {"values": values, "bound": found.bound, "why": found.why}
    return {key: value for key, value in said.items() if value or key == "values"}


def _read(data: Any) -> Found:
    bound = data.get("bound", "")
    if bound not in ("", "at least", "at most"):
        raise ValueError(f"{bound!r} is not a bound")
    return Found(values=tuple(_numbers(data["values"])), bound=bound, why=str(data.get("why", "")))


def _numbers(values: Any) -> Iterator[Number]:
    for value in values:
        number: Any = Fraction(value) if isinstance(value, str) else value
        if not isinstance(number, int | float | Fraction) or not -_LARGEST < number < _LARGEST:
            raise ValueError(f"{value!r} is not a number")
        yield number
