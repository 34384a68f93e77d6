"""What a shell completes: names of networks, values of fields, measures, files.

A completion raises nothing and says nothing: where something is wrong there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from archscope import specs
from archscope.errors import plain_word

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    Items = list[CompletionItem[str]]
    TextType = click.ParamType[str]
else:  # they are of no type before Click 8.4
    Items, TextType = list, click.ParamType
Completer = Callable[[click.Context, click.Parameter, str], Items]


class _Model(TextType):
    """A network by name, with fields of it behind a colon, or a file."""

    name = "text"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        if incomplete[:1] in (".", "/", "~"):
            return files(incomplete)
        named, colon, fields = incomplete.partition(":")
        if colon:
            return _fields_of(named, fields)
        own = dict.fromkeys(getattr(ctx.command, "also", ()), "")
        found = list(_beginning(incomplete, {**own, **_families(), **_presets()}))
        return found or files(incomplete)


MODEL: Any = _Model()
"""The type of MODEL: its text is read by the loaders."""


def _item(word: str, **about: Any) -> CompletionItem[str]:
    from click.shell_completion import CompletionItem  # asked for by a shell alone

    return CompletionItem(word, **about)


def files(incomplete: str) -> Items:
    """Leave it to the shell, which knows files."""
    return [_item(incomplete, type="file")]


def names_and(*words: str) -> Completer:
    """Return what completes families, presets and some words."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        known = {**_families(), **dict.fromkeys(words, ""), **_presets()}
        return list(_beginning(incomplete, known))

    return complete


def values_of(field: specs.Field) -> Completer | None:
    """Return what completes the value of a field; None: any number or text may be."""
    if not field.choices:
        return None

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        return _listed(field.choices, incomplete if field.kind == "list" else "", incomplete)

    return complete


def measure_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Complete measures, also in a list of them."""
    from archscope.studies.measures import measures

    return _listed(tuple(measures()), incomplete, incomplete)


def measures_and_fields(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Complete measures and fields of the network, also in a list of them."""
    from archscope.studies.measures import measures

    return _listed((*measures(), *_field_names(ctx)), incomplete, incomplete)


def field_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Complete fields of the network, also in a list of them."""
    return _listed(_field_names(ctx), incomplete, incomplete)


def cards(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """Complete cards whose figures are known."""
    from archscope.hardware import CARDS

    return list(_beginning(incomplete, {card.word: card.names[0] for card in CARDS}))


def _field_names(ctx: click.Context) -> tuple[str, ...]:
    names: Callable[[click.Context], Iterable[str]] = getattr(
        ctx.command, "field_names", lambda ctx: ()
    )
    return tuple(names(ctx))


def _listed(words: Sequence[str], several: str, incomplete: str) -> Items:
    """Return the words that end a list as it is typed, or a single word."""
    before, comma, last = several.rpartition(",")
    start = last if several else incomplete
    return [_item(before + comma + word) for word in words if word.startswith(start)]


def _beginning(incomplete: str, words: dict[str, str]) -> Iterator[CompletionItem[str]]:
    """Yield the names that begin so; where none does, those that do but for case and hyphens."""
    found = [word for word in words if word.startswith(incomplete)]
    start = plain_word(incomplete)
    for word in found or [each for each in words if plain_word(each).startswith(start)]:
        yield _item(word, help=words[word] or None)


def _families() -> dict[str, str]:
    from archscope.families import FAMILIES

    return FAMILIES.summaries()


def _presets() -> dict[str, str]:
    from archscope import presets

    return dict.fromkeys(presets.names(), "")


def _fields_of(named: str, typed: str) -> Items:
    """Return the fields that may stand behind the name of a network: `cnn:depth=4,chan`."""
    from archscope import loaders

    loader = loaders.find(loaders.spelt(named))
    spec = loader.spec(loaders.spelt(named)) if loader else None
    if spec is None:
        return []
    before, comma, last = typed.rpartition(",")
    name, equals, value = last.partition("=")
    start = f"{named}:{before}{comma}"
    if equals:
        fields = (field for field in specs.flags(spec) if field.name == name)
        words = next((field.choices for field in fields), ())
        found = [f"{name}={word}" for word in words if word.startswith(value)]
    else:
        names = (field.name for field in specs.flags(spec))
        found = [f"{field}=" for field in names if field.startswith(name)]
    return [_item(start + each) for each in found]
