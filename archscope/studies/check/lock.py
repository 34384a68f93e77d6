"""The lock file: the numbers of every budget's network, and nothing of where or when.

JSON, a number on a line and all of them exact, so that a change reads well where it is reviewed. A
share of 1 is written as a fraction, an unknown number as null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

from archscope import files
from archscope.assertions import Found, Number, shown
from archscope.errors import UsageError
from archscope.records import frozen
from archscope.results import InputShape
from archscope.studies.measures import measures

NAME = "archscope.lock"
"""What it is called where nobody says."""
_FORM = 1
"""Version of what it looks like."""
_KEY = "archscope lock"
_FRACTION = re.compile(r"-?\d{1,300}/[1-9]\d{0,299}")
_DIGITS = 300
"""Of the largest integer that is read."""
_text = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
Numbers = tuple[Number, ...]


@frozen
class Entry:
    """What is known of one network."""

    numbers: Mapping[str, Numbers | None]
    """By the names of measures: one, or one for each axis; None: unknown."""
    inputs: tuple[str, ...] = ()
    """What its forward was called with; empty where nothing was run."""
    convention: str = ""
    """What FLOP means; empty where there are none."""


Lock = Mapping[str, Entry]
"""Entries by the names of budgets."""


def locked(found: Found) -> Numbers | None:
    """Return what a lock file holds of a quantity: what is known exactly."""
    return None if found.bound or not found.values else found.values


def inputs_of(shapes: Iterable[InputShape]) -> tuple[str, ...]:
    """Return inputs as they stand in the file, e.g. `0: float32 1×3×224×224`."""
    return tuple(f"{e.name}: {e.dtype} {'×'.join(map(str, e.shape)) or '()'}" for e in shapes)


def unlike(entry: Entry, now: Entry) -> str:
    """Return why an entry cannot be compared with what was measured; empty: it can."""
    if entry.inputs and now.inputs and entry.inputs != now.inputs:
        return f"its input was {_and(entry.inputs)}, and is {_and(now.inputs)}"
    if entry.convention and now.convention and entry.convention != now.convention:
        return f"its FLOPs were those of {entry.convention}, and are those of {now.convention}"
    return ""


def _and(words: Sequence[str]) -> str:
    return " and ".join(words)


def written(lock: Lock) -> str:
    """Return the text of a lock file: the same for the same numbers, whatever the machine."""
    entries = (f"{_text(name)}: {_entry(lock[name])}" for name in sorted(lock))
    listed = ",\n".join(entries)
    return f'{{\n"{_KEY}": {_FORM},\n"budgets": {{\n{listed}\n}}\n}}\n'


def _entry(entry: Entry) -> str:
    numbers = (
        f"  {_text(name)}: {_text(_written(name, entry.numbers[name]))}"
        for name in sorted(entry.numbers)
    )
    head = [f' "convention": {_text(entry.convention)}'] if entry.convention else []
    if entry.inputs:
        each = ",\n".join(f"  {_text(one)}" for one in entry.inputs)
        head.append(f' "inputs": [\n{each}\n ]')
    return "{\n" + ",\n".join([*head, ' "numbers": {\n' + ",\n".join(numbers) + "\n }"]) + "\n}"


def _written(word: str, numbers: Numbers | None) -> Any:
    if numbers is None:
        return None
    known = measures().get(word)
    is_switch = known is not None and known.dimension == "switch"
    each = [bool(number) if is_switch else _plain(number) for number in numbers]
    return each[0] if len(each) == 1 else each


def _plain(number: Number) -> Any:
    if not isinstance(number, Fraction):
        return number
    return number.numerator if number.denominator == 1 else str(number)


def read_lock(path: Path) -> Lock | None:
    """Return what a lock file says; None where there is none.

    Raises `UsageError` with the reason for what cannot be read, or is no lock file.
    """
    try:
        text = files.read_text(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"lock file '{path}' cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"lock file '{path}': it is not text in UTF-8") from None
    return read_text(text, f"lock file '{path}'")


def read_text(text: str, name: str) -> Lock:
    """Return what the text of a lock file says; `name` is what an error calls it."""
    try:
        document = json.loads(text, parse_constant=_refuse, parse_int=_countable)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not JSON: {error}; archscope lock writes it anew") from None
    form = document.get(_KEY) if isinstance(document, dict) else None
    if type(form) is not int:
        raise UsageError(f"{name} is not a lock file of archscope; archscope lock writes one")
    if form > _FORM:
        raise UsageError(f"{name}: form {form}; this archscope reads up to {_FORM}. Upgrade it")
    budgets = document.get("budgets")
    if not isinstance(budgets, dict):
        raise UsageError(f"{name}: budgets is not an object; archscope lock writes it anew")
    return {budget: _read_entry(entry, f"{name}: {budget!r}") for budget, entry in budgets.items()}


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number in JSON")


def _countable(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"{text[:20]}… is out of range, of {len(text):,} digits")
    return int(text)


def _read_entry(entry: Any, where: str) -> Entry:
    if not isinstance(entry, dict) or not isinstance(entry.get("numbers"), dict):
        raise UsageError(f"{where} has no numbers; archscope lock writes it anew")
    inputs, convention = entry.get("inputs", []), entry.get("convention", "")
    texts = [*inputs, convention] if isinstance(inputs, list) else [None]
    if not all(isinstance(text, str) for text in texts):
        raise UsageError(f"{where}: inputs and convention are not texts")
    numbers = {
        word: _read_numbers(value, f"{where}: {word}") for word, value in entry["numbers"].items()
    }
    return Entry(numbers=numbers, inputs=tuple(inputs), convention=convention)


def _read_numbers(value: Any, where: str) -> Numbers | None:
    if value is None:
        return None
    each = value if isinstance(value, list) else [value]
    return tuple(_read_number(one, where) for one in each) or None


def _read_number(value: Any, where: str) -> Number:
    if isinstance(value, str) and _FRACTION.fullmatch(value):
        return Fraction(value)
    if isinstance(value, int | float) and isfinite(value):
        return int(value) if isinstance(value, bool) else value
    raise UsageError(f"{where} is {str(value)[:40]!r}, not a number")


def differences(old: Lock, new: Lock) -> Iterator[str]:
    """Yield what differs in two lock files, a line for each thing."""
    for name in sorted({*old, *new}):
        if name not in old:
            yield f"{name}: is not in it yet"
        elif name not in new:
            yield f"{name}: this budget no longer exists"
        else:
            yield from (f"{name}: {each}" for each in _changes(old[name], new[name]))


def _changes(old: Entry, new: Entry) -> Iterator[str]:
    if old.inputs != new.inputs:
        yield f"input {_and(old.inputs) or 'unknown'} is now {_and(new.inputs) or 'unknown'}"
    if old.convention != new.convention:
        yield f"convention {old.convention or 'unknown'} is now {new.convention or 'unknown'}"
    for word in sorted({*old.numbers, *new.numbers}):
        before, now = old.numbers.get(word), new.numbers.get(word)
        if word not in old.numbers or word not in new.numbers:
            yield f"{word} is {'new' if word in new.numbers else 'not asked for any more'}"
        elif before != now:
            yield f"{word} {_shown(word, before)} is now {_shown(word, now)}{_by(before, now)}"


def _shown(word: str, numbers: Numbers | None) -> str:
    if numbers is None:
        return "unknown"
    known = measures().get(word)
    dimension = known.dimension if known else "count"
    return " × ".join(shown(number, dimension) for number in numbers)


def _by(before: Numbers | None, now: Numbers | None) -> str:
    """Return how much a number changed, e.g. ` (+1.5%)`; what was 0 has no percentage."""
    if not before or not now or len(before) != 1 or len(now) != 1 or not before[0]:
        return ""
    share = shown(Fraction(now[0] - before[0]) / Fraction(before[0]), "share")
    return f" ({share if share.startswith('-') else f'+{share}'})"
