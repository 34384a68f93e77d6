"""How the fields of a spec are declared, and read off its class."""

from __future__ import annotations

import dataclasses
import types
import typing
from functools import cache
from typing import Any, Literal, TypeVar

from archscope.records import frozen
from archscope.specs._field import Field, Reading
from archscope.specs._kinds import Kind

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
    chooses: bool
    """Of a part of a kind: whether giving it chooses that kind."""
    also: str
    """Another name of a setting, where the network that is asked of has no field of it."""
    several: bool
    """Whether it is a text of several parts with commas between, of which a flag may give each."""


def option(
    default: T,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    along: bool = False,
    words: tuple[str, ...] = (),
    sides: bool = False,
    chooses: bool = False,
    also: str = "",
    several: bool = False,
) -> T:
    """Declare one field of a spec; the result stands where a dataclass field's default would."""
    declared = Option(
        help=help,
        low=low,
        high=high,
        along=along,
        words=words,
        sides=sides,
        chooses=chooses,
        also=also,
        several=several,
    )
    return dataclasses.field(default=default, metadata={_METADATA: declared})


def fields(spec_type: type) -> tuple[Field, ...]:
    """Return the fields of a spec in the order in which they are declared."""
    return _fields(spec_type)


@cache
def _fields(spec_type: Any) -> tuple[Field, ...]:
    hints = typing.get_type_hints(spec_type)
    return tuple(_field(field, hints[field.name]) for field in dataclasses.fields(spec_type))


def _field(field: dataclasses.Field[Any], hint: Any) -> Field:
    declared: Option = field.metadata[_METADATA]
    kinds = _kinds_of(hint)
    plain, optional = (hint, False) if kinds else _without_none(hint)
    kind, choices = _kind(plain)
    return Field(
        name=field.name,
        kind=kind,
        optional=optional,
        default=field.default,
        choices=tuple(each.word for each in kinds) or choices or declared.words,
        help=declared.help,
        low=declared.low,
        high=declared.high,
        along=declared.along,
        sides=declared.sides,
        chooses=declared.chooses,
        also=declared.also,
        several=declared.several,
        kinds=kinds,
    )


def _kinds_of(hint: Any) -> tuple[Kind, ...]:
    """Return the kinds of a field that is one of several, or a tuple of such."""
    if typing.get_origin(hint) is tuple:
        return _kinds_of(typing.get_args(hint)[0])
    types_ = typing.get_args(hint) if _is_union(hint) else (hint,)
    made = [each for each in types_ if hasattr(each, "word")]
    return tuple(
        Kind(word=each.word, made=each, parts=_fields(each), help=(each.__doc__ or "").strip())
        for each in made
    )


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (types.UnionType, typing.Union)


def _without_none(hint: Any) -> tuple[Any, bool]:
    if _is_union(hint):
        plain = [part for part in typing.get_args(hint) if part is not types.NoneType]
        return plain[0], len(plain) < len(typing.get_args(hint))
    return hint, False


def _kind(hint: Any) -> tuple[Reading, tuple[str, ...]]:
    if typing.get_origin(hint) is Literal:
        return "choice", typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return "list", ()
    if _kinds_of(hint):
        return "choice", ()
    if hint is bool:
        return "switch", ()
    if hint is str:
        return "text", ()
    if hint is int:
        return "integer", ()
    if hint is float:
        return "number", ()
    raise TypeError(f"a spec field cannot be a {hint}")
