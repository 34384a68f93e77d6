"""Reads budgets: what TOML says, checked before any work, each error with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archscope.errors import UsageError, did_you_mean
from archscope.studies.check import limits
from archscope.studies.check.budgets import OWN, Budget, Limit
from archscope.studies.check.source import Source
from archscope.studies.measures import measure, measures
from archscope.studies.where import read_condition
from archscope.theory.rates import read_rate

_SHAPE = re.compile(r"(?:[\w.<=:-]*:)?\s*(?:\d+(?:\s*[,x×]\s*\d+)*|\(\))\s*")
"""An input as `--input-shape` takes it; anything else names a function that makes all of them."""
KEYS = ("model", "name", "fields", *OWN, "sample_rate", "max", "min", "grow", "assert")
"""Keys of a budget; the names of analyses are settings of theirs, all others fields of MODEL."""


def read_budgets(tables: Any, source: Source) -> tuple[Budget, ...]:
    """Return the budgets that tables say; raises `UsageError` with file and line."""
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise source.error("budget is not a list of tables; write [[budget]]")
    found = tuple(_Reader(number, source).budget(table) for number, table in enumerate(tables))
    first: dict[str, int] = {}
    for budget in found:
        if first.setdefault(budget.name, budget.number) != budget.number:
            line = source.line(first[budget.name])
            raise source.error(
                f"a budget is called {budget.name!r} already, on line {line}; give one of them "
                "another name",
                *(budget.number, "name" if "name" in tables[budget.number] else "model"),
            )
    return found


def read_limits(
    table: Mapping[str, Any], source: Source, sample_rate: str | float | None = None
) -> tuple[Limit, ...]:
    """Return the limits under `max`, `min`, `grow` and `assert`; see `read_budgets`."""
    reader = _Reader(0, source)
    found = reader.limits(table)
    reader.rate({"sample_rate": sample_rate}, found)
    return found


class _Reader:
    """Reads one budget."""

    def __init__(self, number: int, source: Source) -> None:
        self._number = number
        self._source = source

    def budget(self, said: Mapping[str, Any]) -> Budget:
        table = {key.replace("-", "_"): value for key, value in said.items()}
        model = self._text(table, "model")
        if not model:
            near = next((e for e in said if e != "model" and did_you_mean(e, ["model"])), "")
            raise self._error(
                f"this budget names no model{f', but {near!r}' if near else ''}; write e.g. "
                'model = "resnet50"'
            )
        found = self.limits(table)
        return Budget(
            name=self._text(table, "name") or model,
            model=model,
            limits=found,
            fields=dict(self._fields(table)),
            inputs=self._inputs(table),
            settings={each: self._table(table, each) for each in _analyses() if each in table},
            sample_rate=self.rate(table, found),
            number=self._number,
            line=self._source.line(self._number),
        )

    def _error(self, problem: str, *keys: str) -> UsageError:
        return self._source.error(problem, self._number, *keys)

    def _text(self, table: Mapping[str, Any], key: str) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            raise self._error(f"{key} is {value!r}, not a text", key)
        return value.strip()

    def _table(self, table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = table.get(key, {})
        if not isinstance(value, Mapping):
            raise self._error(f"{key} is {value!r}, not a table; write {key}.NAME = ...", key)
        return value

    def _inputs(self, table: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a network of the user's own is called with, as a `Request` holds it."""
        shapes = [*self._texts(table, "input_shape"), *self._texts(table, "inputs")]
        functions = [text for text in shapes if not _SHAPE.fullmatch(text)]
        if functions and len(shapes) > 1:
            raise self._error(
                f"inputs: {functions[0]!r} is not a shape, e.g. 1,3,224,224", "inputs"
            )
        found = {
            "input_shapes": () if functions else tuple(shapes),
            "inputs_from": functions[0] if functions else None,
            "input_values": self._table(table, "input"),
            "arguments": self._table(table, "model_arg"),
            "method": self._text(table, "method") or None,
        }
        return {word: value for word, value in found.items() if value}

    def _texts(self, table: Mapping[str, Any], key: str) -> Sequence[str]:
        """Return one text or several; a list of sizes is one shape."""
        value = table.get(key, [])
        texts = [value] if isinstance(value, str) else value
        if isinstance(texts, list | tuple) and texts and all(type(size) is int for size in texts):
            return [",".join(map(str, texts))]
        if not isinstance(texts, list | tuple) or not all(isinstance(one, str) for one in texts):
            raise self._error(f"{key} is {value!r}, not a text or a list of texts", key)
        return texts

    def rate(self, table: Mapping[str, Any], found: Sequence[Limit]) -> Any:
        """Return how many positions a second has, which limits in seconds need."""
        rate = table.get("sample_rate")
        if rate is not None:
            try:
                read_rate(rate)
            except (UsageError, TypeError) as error:
                problem = error if isinstance(error, UsageError) else f"sample_rate is {rate!r}"
                raise self._error(str(problem), "sample_rate") from None
            return rate
        for limit in found:
            if any(
                dimension == "time" and limits.is_in_positions(name)
                for name, dimension in limits.asks(limit)
            ):
                raise self._error(
                    f"{limit.text}: say how many positions a second has, e.g. "
                    'sample_rate = "16kHz"',
                    *(limit.rule, limit.text if limit.rule == "assert" else limit.names[0]),
                )
        return None

    def _fields(self, table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield what is said of MODEL's fields, as keys of the budget or under `fields`."""
        yield from self._table(table, "fields").items()
        for key, value in table.items():
            if key not in KEYS and key not in _analyses():
                if isinstance(value, Mapping):
                    near = did_you_mean(key, [*KEYS, *_analyses()])
                    known = ", ".join(("max", "min", "grow", "fields", *_analyses()))
                    raise self._error(
                        f"a budget has no table {key!r}; there are {known}.{near}", key
                    )
                yield key, value

    def limits(self, table: Mapping[str, Any]) -> tuple[Limit, ...]:
        found = []
        for rule in table:
            if rule in ("max", "min", "grow"):
                for word, said in self._table(table, rule).items():
                    found.append(self._limit(rule, word, said))
            elif rule == "assert":
                found += [each for text in self._texts(table, rule) for each in self._claimed(text)]
        self._require_room(found)
        return tuple(sorted(found, key=lambda limit: limit.line))  # TOML joins `max.a` and `max.b`

    def _limit(self, rule: Any, word: str, said: Any) -> Limit:
        try:
            quantity = measure(word).quantity
            if quantity.dimensions == ("switch",):
                raise UsageError(
                    f'{quantity.name} is true or false; write assert = ["{quantity.name}"]'
                )
            text = limits.amount(said)
            is_change = rule == "grow"
            limit = (
                limits.growth(quantity, text) if is_change else limits.bound(rule, quantity, text)
            )
        except UsageError as error:
            problem = str(error).removeprefix(f"{word}: ")
            raise self._error(f"{rule}.{word}: {problem}", rule, word) from None
        return replace(limit, line=self._source.line(self._number, rule, word))

    def _claimed(self, text: str) -> Iterator[Limit]:
        """Yield what must hold for a condition, each part by itself."""
        known = {name: each.quantity for name, each in measures().items()}
        words = {alias: each for each in known.values() for alias in each.aliases}
        line = self._source.line(self._number, "assert", text)
        try:
            condition = read_condition(text, {**known, **words, **known})
        except UsageError as error:
            raise self._error(f"assert: {error}", "assert", text) from None
        for part in condition.parts:
            yield limits.part(part, tuple(known.values()), line)

    def _require_room(self, limits: Iterable[Limit]) -> None:
        """Raise `UsageError` where no number can be within both limits of a measure."""
        smallest = {(e.names, e.dimension): e for e in limits if e.rule == "min"}
        for each in limits:
            low = smallest.get((each.names, each.dimension)) if each.rule == "max" else None
            if low and (low.wanted or 0) > (each.wanted or 0):
                problem = f"no network can be {each.text} and {low.text} at once"
                raise self._error(problem, "max", each.names[0])


def _analyses() -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.analysis for each in measures().values()))
