"""A choice among kinds that carry numbers of their own: `window:255`, `moe:8/2`.

A kind is a frozen dataclass whose fields, its parts, are made by `option`, with the class constant
`word`. Parts are given by place or by name, `/` between them; what follows a list goes on with it:

    window:255                      keys 255
    window:255/full_every=2         two parts
    moe:8/2/router_bias             a switch by its name alone
    dilated-conv:3/1/2/4            a kernel of 3, dilations 1, 2, 4
    attention,dilated-conv:7,...    several kinds, where a field is a list of them
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from archscope.errors import SpecError, did_you_mean
from archscope.records import frozen
from archscope.specs._typed import shown


class Part(Protocol):
    """A number of a kind: what is needed here of a `Field`."""

    @property
    def name(self) -> str:
        """The attribute of the kind, which is its flag's name too."""

    @property
    def kind(self) -> str:
        """How a text is read, e.g. `list` or `switch`."""

    @property
    def chooses(self) -> bool:
        """Whether giving it chooses its kind."""

    def parse(self, text: str) -> Any:
        """Read a text."""

    def check(self, value: Any) -> None:
        """Raise `SpecError` where a value is not of its type, words or range."""


@frozen
class Kind:
    """One of the kinds that a field can be."""

    word: str
    """What the user types, e.g. `window`."""
    made: Callable[..., Any]
    """Its dataclass."""
    parts: tuple[Part, ...]
    """Its numbers in the order in which they are given by place."""
    help: str
    """One line: what it is."""

    @property
    def last(self) -> Part | None:
        """The last that is given by place: a switch is given by its name."""
        return next((part for part in reversed(self.parts) if part.kind != "switch"), None)

    def part(self, name: str) -> Part | None:
        """Return the part of that name, or None."""
        return next((part for part in self.parts if part.name == name), None)


def read(field: str, text: str, kinds: Sequence[Kind]) -> tuple[Any, ...]:
    """Return the kinds that a text names, one or several; raises `SpecError`."""
    return tuple(_made(field, kind, given) for kind, given in _items(field, text, kinds))


def kept(kind: Kind, old: Any) -> Any:
    """Return a kind with those parts of another that both have and that were set there."""
    said = {
        part.name: getattr(old, part.name)
        for part in dataclasses.fields(old)
        if getattr(old, part.name) != part.default
    }
    return kind.made(**{name: value for name, value in said.items() if kind.part(name)})


def with_parts(field: str, kinds: Sequence[Kind], value: Any, given: Mapping[str, Any]) -> Any:
    """Return a field's value with some parts changed in every kind that has them.

    A part that chooses its kind puts that there, and its 0 the first of all kinds. Raises
    `SpecError` for a part that none of the kinds has which are there.
    """
    values = value if isinstance(value, tuple) else (value,)
    if not all(hasattr(one, "word") for one in values):
        return value  # no kind at all, which the field's own check says
    for name, wanted in given.items():
        chosen = next((k for k in kinds for p in k.parts if p.name == name and p.chooses), None)
        if chosen is not None and wanted == 0:
            rest = {part: said for part, said in given.items() if part != name}
            return with_parts(field, kinds, kinds[0].made(), rest)
        if chosen is not None and all(one.word != chosen.word for one in values):
            values = tuple(chosen.made() for _ in values)
    for name, wanted in given.items():
        owners = [kind.word for kind in kinds if kind.part(name)]
        if wanted is not None and not any(one.word in owners for one in values):
            raise SpecError(name, shown(wanted), f"needs {{{field}}} {' or '.join(owners)}")
    changed = tuple(_with(kinds, one, given) for one in values)
    return changed if isinstance(value, tuple) else changed[0]


def _with(kinds: Sequence[Kind], value: Any, given: Mapping[str, Any]) -> Any:
    kind = next(kind for kind in kinds if kind.word == value.word)
    own = {name: wanted for name, wanted in given.items() if kind.part(name)}
    return dataclasses.replace(value, **own)


def _items(field: str, text: str, kinds: Sequence[Kind]) -> Iterator[tuple[Kind, list[str]]]:
    known = {kind.word: kind for kind in kinds}
    kind: Kind | None = None
    given: list[str] = []
    for token in re.split("[,/]", text):
        word, colon, rest = token.strip().partition(":")
        if word in known or colon or kind is None:
            if kind is not None:
                yield kind, given
            kind = known.get(word) or _refuse(field, word or text, known)
            given = [rest.strip()] if colon else []
        else:
            given.append(token.strip())
    if kind is not None:
        yield kind, given


def _refuse(field: str, word: str, known: Mapping[str, Kind]) -> Kind:
    near = did_you_mean(word, list(known))
    words = ", ".join(map(repr, known))
    raise SpecError(field, word, f"is not one of {words}" + (f".{near}" if near else ""))


def _made(field: str, kind: Kind, given: Sequence[str]) -> Any:
    texts: dict[str, list[str]] = {}
    places = iter(kind.parts)
    listed: Part | None = None
    for item in given:
        name, equals, text = item.partition("=")
        named = kind.part(name.strip().replace("-", "_"))
        if equals or (named and named.kind == "switch"):
            part = named or _no_part(field, kind, name)
            text = text if equals else "true"
        else:
            place = listed or next((p for p in places if p.kind != "switch"), None)
            part, text = place or _no_place(field, kind, given), item
        texts.setdefault(part.name, []).append(text.strip())
        listed = part if part.kind == "list" and (equals or part is kind.last) else None
    parts = {part.name: part for part in kind.parts}
    return kind.made(**{name: parts[name].parse(",".join(said)) for name, said in texts.items()})


def _no_part(field: str, kind: Kind, name: str) -> Part:
    names = [part.name for part in kind.parts]
    near = did_you_mean(name, names)
    has = f"it has {', '.join(names)}" if names else "it has no numbers"
    raise SpecError(
        field, f"{kind.word}:{name}=", f"is not a parameter of {kind.word}; {has}.{near}"
    )


def _no_place(field: str, kind: Kind, given: Sequence[str]) -> Part:
    names = "/".join(part.name.upper() for part in kind.parts if part.kind != "switch")
    full = f"{kind.word}:{names}" if names else kind.word
    typed = f"{kind.word}:{'/'.join(given)}"
    raise SpecError(field, typed, f"has too many numbers; it is {full}")
