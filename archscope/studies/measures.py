"""What can be measured of a network by one word, e.g. `params`, `rf`, `coverage`, `latency`.

Each analysis declares its quantities; here they have one vocabulary, in which networks are
compared, budgeted, swept and searched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from archscope.analyses import ANALYSES
from archscope.assertions import Dimension, Found, Quantity
from archscope.errors import UsageError, did_you_mean, same_word
from archscope.records import frozen


@frozen
class Measure:
    """One quantity, and the analysis that knows it."""

    name: str
    """What the user types, e.g. `coverage`."""
    analysis: str
    """Whose answer it is read from, e.g. `rf`."""
    quantity: Quantity
    """How it is read, in which units, and which is better."""

    @property
    def dimension(self) -> Dimension:
        """What it is measured in where nobody says: the quantity's first."""
        return self.quantity.dimensions[0]

    def of(self, report: Any, dimension: Dimension | None = None) -> Found:
        """Return what a report knows of it."""
        return self.quantity.read(report, dimension or self.dimension)


@cache
def measures() -> Mapping[str, Measure]:
    """Return every measure by its name, in the order of the analyses that are asked first.

    Where two analyses have a quantity of one name, the first that people ask has it.
    """
    return MappingProxyType(measures_of(ANALYSES.all()))  # a broken stranger is left out


def measures_of(analyses: Iterable[str]) -> dict[str, Measure]:
    """Return the measures of some analyses by their names; no other analysis is imported."""
    found: dict[str, Measure] = {}
    for analysis in sorted(analyses, key=_place):
        for each in _measures_of(analysis):
            found.setdefault(each.name, each)
    return found


def _measures_of(analysis: str) -> Iterator[Measure]:
    for quantity in ANALYSES.get(analysis).claimable():
        yield Measure(name=quantity.name, analysis=analysis, quantity=quantity)


_FIRST = ("params", "rf", "time")
"""The analyses whose words go first."""


def _place(analysis: str) -> int:
    return _FIRST.index(analysis) if analysis in _FIRST else len(_FIRST)


@cache
def measure(word: str) -> Measure:
    """Return the measure that a word names, by its name first, then by another word for it.

    Raises `UsageError` with the nearest name.
    """
    for analysis in sorted(ANALYSES.names(), key=_place):  # the first is often enough
        named = {each.name: each for each in _measures_of(analysis)}
        name = same_word(word, named)
        if name is not None:
            return named[name]
    known = measures()
    others = {alias: each for each in known.values() for alias in each.quantity.aliases}
    alias = same_word(word, others)
    if alias is not None:
        return others[alias]
    near = did_you_mean(word, [*known, *others])
    raise UsageError(f"no measure is called {word!r}.{near} `archscope list measures` names all")


def settings_of(analysis: str, names: Iterable[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of an analysis with which measures of it are known, those given first.

    Raises `UsageError` where one needs a setting that only the user can give.
    """
    found = dict(given)
    for each in map(measure, names):
        for setting, value in each.quantity.asks if each.analysis == analysis else ():
            if setting not in found and value is not True:
                raise UsageError(
                    f"{each.name} depends on {setting}; give it, e.g. "
                    f"{analysis}.{setting} = {value!r}"
                )
            found.setdefault(setting, value)
    return found


def require_none(found: Measure, who: str) -> None:
    """Raise `UsageError` where a measure depends on what only a user can say, and `who` cannot."""
    for setting, example in found.quantity.asks:
        if example is not True:
            raise UsageError(
                f"{found.name} depends on {setting}, which {who} does not set; archscope "
                f"{found.analysis} --{setting} {example} tells it of one network"
            )


def chosen(words: Iterable[str]) -> tuple[Measure, ...]:
    """Return the measures that words name, each once, in their order."""
    return tuple({found.name: found for found in map(measure, words)}.values())
