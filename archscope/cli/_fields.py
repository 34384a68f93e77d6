"""The fields of specs as flags, and what a help says of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import click

from archscope import specs
from archscope.cli._complete import values_of
from archscope.cli._help_page import FEW, NAMES, SENTENCE, WHOLE, Entry, Group, choosing


@cache
def option_of(field: specs.Field) -> click.Option:
    """Return the flag of a field; what was typed arrives as text, or as True or False.

    A command asks for hundreds, several times: each is made once, and changed by nobody.
    """
    # All are read as text: the family's own field says what the text must be.
    is_switch = field.kind == "switch"
    make = _Several if field.several else click.Option
    return make(
        [f"{field.flag}/--no-{field.flag[2:]}" if is_switch else field.flag],
        default=None,
        type=None if is_switch else str,
        metavar=None if is_switch else _usage(field).partition(" ")[2],
        help=_help(field.default, _text(field, field.help)),
        shell_complete=values_of(field),
    )


class _Several(click.Option):
    """A flag that may stand several times, each with a part of one text or with several."""

    def __init__(self, flags: list[str], **more: Any) -> None:
        super().__init__(flags, multiple=True, **more)

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        given = super().type_cast_value(ctx, (value,) if isinstance(value, str) else value)
        return ",".join(filter(None, given)) if given else None


def text_of(value: object) -> str:
    """Return a flag's value as the text that a field reads."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _usage(field: specs.Field) -> str:
    if field.kind == "switch":
        return f"{field.flag} / --no-{field.flag[2:]}"
    words = {"integer": "INT", "number": "NUMBER", "list": "LIST", "text": "TEXT"}
    taken = words.get(field.kind) or choosing(field.choices, "")[0]
    return f"{field.flag} {taken}"


def _text(field: specs.Field, text: str) -> str:
    return choosing(field.choices, text)[1] if field.kind == "choice" else text


def fields_in_full(heading: str, name: str, spec: type, values: Mapping[str, Any]) -> Group:
    """Return all fields of a network that is named, or of what flags alone describe."""
    fields = sorted(specs.flags(spec), key=lambda field: field.name not in values)
    return Group(
        heading=f"Fields of {name or heading}",
        label=name or heading,
        entries=tuple(_entry(spec, field, values) for field in fields),
        details=(WHOLE, SENTENCE, NAMES, FEW),
        more=_told_by(name or heading),
    )


def fields_by_name(family: str, spec: type) -> Group:
    """Return the first fields of a family by name, and where the rest is told."""
    own = specs.fields(spec)
    return Group(
        heading=f"Fields of {family}",
        label=family,
        entries=tuple(_entry(spec, field, {}) for field in own),
        details=(FEW,),
        more=_told_by(family),
        left_out=len(specs.flags(spec)) - len(own),
    )


def _told_by(name: str) -> str:
    """Return the command that says what each field of a network is."""
    from archscope import presets

    family = presets.load(name).family if name in presets.names() else name
    return f"archscope list {family}"


def _entry(spec: type, field: specs.Field, values: Mapping[str, Any]) -> Entry:
    said = _said(values[field.name]) if field.name in values else ""
    return Entry(
        usage=_usage(field),
        text=_help(values.get(field.name, field.default), _text(field, help_of(spec, field))),
        name=f"{field.flag} {said}" if said else field.flag,
    )


def help_of(spec: type, field: specs.Field) -> str:
    """Return what a field is, behind the kinds that it is a number of, if of any."""
    kinds = specs.belongs(spec, field.name)
    return f"({kinds}) {field.help}" if kinds else field.help


def _help(shown: Any, text: str) -> str:
    return text if shown in (None, "") else f"{text} [default: {_said(shown)}]"


def _said(value: Any) -> str:
    """Return the value of a field as a help shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return specs.listed(value) if isinstance(value, tuple) else specs.typed(value)
