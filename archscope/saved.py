"""Reads a saved JSON report back as the `Report` that it was written from.

What a row is made of stands in its type's hints; which type a section has, in its `Analysis`. A
file can name analyses that are installed; nothing else is imported or run because it says so.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from math import isinf
from pathlib import Path
from typing import Any, NoReturn

from archscope.analyses import ANALYSES
from archscope.errors import UsageError
from archscope.files import read_text as read_file
from archscope.garbage import uncollected
from archscope.records import frozen
from archscope.registry import resolve
from archscope.results import (
    SCHEMA,
    Convention,
    Environment,
    Headline,
    InputShape,
    LargestList,
    Note,
    Report,
    Section,
    Strip,
    Words,
)
from archscope.studies import STUDIES

_Read = Callable[[Any], Any]
LARGEST = 1 << 30
"""Bytes of a saved report: a sweep of a million variants has fewer."""


class _MisfitError(Exception):
    """A value is not what its place wants; the arguments say where it stands, the last what."""


def read(path: str | Path) -> Report:
    """Return the report that a file holds; raises `UsageError` with the reason where it is none."""
    file = Path(path)
    try:
        text = read_file(file, largest=LARGEST)
    except OSError as error:
        raise UsageError(f"'{file}' cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: not JSON: it is not text in UTF-8") from None
    return read_text(text, str(file))


def read_text(text: str, name: str = "this text") -> Report:
    """Return the report that a text holds; `name` is what an error calls it."""
    with uncollected():  # rows hold no circles
        return _read_text(text, name)


def _read_text(text: str, name: str) -> Report:
    try:
        document = json.loads(
            text,
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_countable if _has_long_number(text) else None,
        )
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("tool") != "archscope":
        raise UsageError(f"{name}: not a result of archscope; save one with -f json -o FILE")
    schema = document.get("schema")
    if schema != SCHEMA:
        newer = isinstance(schema, int) and schema > SCHEMA
        what_to_do = "Upgrade archscope." if newer else "Make it again with this one."
        raise UsageError(f"{name}: schema {schema}; this archscope reads {SCHEMA}. {what_to_do}")
    try:
        return _report(document)
    except _MisfitError as misfit:
        *where, problem = misfit.args
        raise UsageError(f"{name}: {', '.join([*where, problem])}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number in JSON")


_DIGITS = 300
"""Of the largest integer that is read: what is larger is not a number in floating point either."""
_ALL_ZEROS = bytes.maketrans(b"123456789", b"000000000")


def _has_long_number(text: str) -> bool:
    """Tell whether any integer may be too large: asking each one is half of the time to read."""
    return b"0" * (_DIGITS + 1) in text.encode(errors="replace").translate(_ALL_ZEROS)


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError(f"{text} is out of range")
    return number


def _countable(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"{text[:20]}… is out of range, of {len(text):,} digits")
    return int(text)


def _report(document: Mapping[str, Any]) -> Report:
    sections = _value(document.get("sections", {}), dict[str, Any], "sections")
    if not sections:
        raise _MisfitError("it has no rows; save it again without --total")
    config = _value(document.get("config", {}), dict[str, Any], "config")
    report = Report(
        command=_value(document.get("command"), str, "command"),
        title=_value(document.get("title"), str, "title"),
        config=config,
        environment=_value(document.get("environment"), Environment, "environment"),
        sections=tuple(_section(address, entry, config) for address, entry in sections.items()),
        convention=_value(document.get("flop_convention"), Convention | None, "flop_convention"),
        inputs=_value(document.get("inputs", []), tuple[InputShape, ...], "inputs"),
        origin=_value(document.get("origin", ""), str, "origin"),
    )
    for section in report.sections:
        for part in _said(section):
            if isinstance(part, LargestList):
                _check_sums(part, report)
    return report


def _said(section: Section) -> Iterator[object]:
    """Yield all words and numbers of the sentences that a section says of itself."""
    for line in (*section.summary, *(each.detail for each in section.headline)):
        if isinstance(line, Strip):
            yield from (*line.reached, *line.paths, *line.rest)
        else:
            yield from line


def _check_sums(wanted: LargestList, report: Report) -> None:
    """Raise `_MisfitError` where a list is to have a share of what no row has."""
    section = report.find(wanted.section)
    if section is None:
        return
    known = {field.name for field in dataclasses.fields(section.row_type)}
    summed = [name for each in wanted.sums for name in each.fields]
    strange = next((name for name in summed if not {name, f"own_{name}"} <= known), None)
    if strange is not None or not summed:
        raise _MisfitError(
            f"summary of {section.address}", f"{_shown(strange)} is not the sum of its rows"
        )


@frozen
class _Entry:
    """What a file says of one section."""

    rows: list[Any]
    totals: dict[str, Any] | None
    notes: tuple[Note, ...]
    headline: tuple[Headline, ...]
    summary: tuple[Strip | Words, ...]
    device: str | None


def _section(address: str, entry: Any, config: Mapping[str, Any]) -> Section:
    declared = _declared(address, config)
    found = _value(entry, _Entry, address)
    totals = None
    if found.totals is not None:
        if declared.totals_type is None:
            raise _MisfitError(address, "it has totals, and none are known")
        totals = _value(found.totals, declared.totals_type, f"totals of {address}")
    return declared.filled(
        [
            _value(row, declared.row_type, f"{address}, row {number}")
            for number, row in enumerate(found.rows, start=1)
        ],
        totals=totals,
        notes=found.notes,
        headline=found.headline,
        summary=found.summary,
        device=found.device,
    )


def _declared(address: str, config: Mapping[str, Any]) -> Section:
    """Return the section without rows that is declared at an address, for a report's config."""
    name, _, _ = address.partition(".")
    declared: Iterable[Section] = ()
    if name in ANALYSES:
        sections = ANALYSES.get(name).sections
        declared = (resolve(each) if isinstance(each, str) else each for each in sections)
    elif name in STUDIES:
        try:
            declared = STUDIES.get(name).declared(config)
        except UsageError as error:
            raise _MisfitError(f"section {address}", str(error)) from None
    found = next((section for section in declared if section.address == address), None)
    if found is None:
        raise _MisfitError(
            f"section {address}", "no analysis here has one; another version of archscope wrote it"
        )
    return found


def _value(value: Any, hint: Any, where: str) -> Any:
    """Return a JSON value as its type's, or raise `_MisfitError`."""
    try:
        return _reader(hint)(value)
    except _MisfitError as misfit:
        raise _MisfitError(where, *misfit.args) from None


@cache
def _reader(hint: Any) -> _Read:
    """Return what turns a JSON value into a value of this type."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return lambda value: value
    if plain := _plain_types(hint):
        return _typed(plain, _PLAIN[origin if origin in _PLAIN else (inner or (hint,))[0]][1])
    if origin in _UNIONS:
        return _one_of([_reader(each) for each in inner])
    if origin is typing.Literal:
        return _checked(lambda value: value in inner, f"one of {', '.join(map(str, inner))}")
    if origin is tuple:
        return _items(_reader(inner[0]))
    if dataclasses.is_dataclass(hint):
        return _fields(typing.cast(type, hint))
    return lambda value: value  # a plain value of some other kind


def _plain_types(hint: Any) -> frozenset[type]:
    """Return the types of JSON that fit a type as they come; empty: it is no plain one."""
    origin = typing.get_origin(hint)
    each = typing.get_args(hint) if origin in _UNIONS else (origin or hint,)
    if not all(one in _PLAIN for one in each):
        return frozenset()
    return frozenset(type_ for one in each for type_ in _PLAIN[one][0])


_UNIONS = (typing.Union, types.UnionType)
_PLAIN: dict[Any, tuple[tuple[type, ...], str]] = {
    int: ((int, bool), "an integer"),
    float: ((int, float, bool), "a number"),
    str: ((str,), "a text"),
    bool: ((bool,), "true or false"),
    types.NoneType: ((types.NoneType,), "null"),
    list: ((list,), "a list"),
    dict: ((dict,), "an object"),
    Mapping: ((dict,), "an object"),
}
"""What JSON gives for each type, and what an error calls it; to Python a bool is an integer."""


def _typed(accepted: frozenset[type], word: str) -> _Read:
    def read(value: Any) -> Any:
        if type(value) in accepted:
            return value
        raise _MisfitError(f"{_shown(value)} is not {word}")

    return read


def _checked(fits: Callable[[Any], bool], word: str) -> _Read:
    def read(value: Any) -> Any:
        if not fits(value):
            raise _MisfitError(f"{_shown(value)} is not {word}")
        return value

    return read


def _one_of(readers: list[_Read]) -> _Read:
    def read(value: Any) -> Any:
        said = []
        for each in readers:
            try:
                return each(value)
            except _MisfitError as misfit:
                said.append(misfit)
        raise said[0]

    return read


def _items(reader: _Read) -> _Read:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _MisfitError(f"{_shown(value)} is not a list")
        return tuple(map(reader, value))

    return read


def _fields(type_: type) -> _Read:
    hints = {
        name: _meant(hint, base.__module__)
        for base in reversed(type_.__mro__)
        for name, hint in vars(base).get("__annotations__", {}).items()
    }
    fields = [
        (f.name, _plain_types(hints[f.name]), _reader(hints[f.name]), _is_optional(f))
        for f in dataclasses.fields(type_)
    ]

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _MisfitError(f"{_shown(value)} is not an object")
        values = {}
        for name, plain, reader, optional in fields:
            if name not in value:
                if optional:
                    continue
                raise _MisfitError(f"{name!r} is missing; another version of archscope wrote it")
            found = value[name]
            if type(found) not in plain:  # most are, and a call for each would be most of the time
                try:
                    found = reader(found)
                except _MisfitError as misfit:
                    raise _MisfitError(name, *misfit.args) from None
            values[name] = found
        return type_(**values)

    return read


@cache
def _meant(hint: Any, module: str) -> Any:
    """Return the type that a hint of a module is; `get_type_hints` compiles each text anew."""
    return eval(hint, vars(sys.modules[module])) if isinstance(hint, str) else hint


def _is_optional(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
