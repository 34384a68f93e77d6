"""MODEL and the flags that describe it, generated from the specs of all families."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from archscope import specs
from archscope.errors import UsageError
from archscope.registry import FAMILIES, Family

DEFAULT_FAMILY = "transformer"
"""What MODEL means where it is left out."""


class ModelCommand(click.Command):
    """A command with MODEL and one flag for each field of any family, grouped in its help."""

    groups: tuple[tuple[str, type], ...] = ()
    """Other spec types whose fields are among those flags, each under its heading in the help."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._own = [p for p in self.params if isinstance(p, click.Option)]
        self.params = [*self.params, *_field_options()]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own = (option.get_help_record(ctx) for option in [*self._own, *self._help_options(ctx)])
        with formatter.section("Options"):
            formatter.write_dl([record for record in own if record is not None])
        families = FAMILIES.all()
        names = sorted(families, key=lambda name: (name != DEFAULT_FAMILY, name))
        of_families = (
            (f"Fields of {name} ({families[name].summary})", families[name].spec) for name in names
        )
        for heading, spec in (*self.groups, *of_families):
            with formatter.section(heading):
                formatter.write_dl([(_usage(f), _help(f)) for f in specs.fields(spec)])

    def _help_options(self, ctx: click.Context) -> list[click.Parameter]:
        option = self.get_help_option(ctx)
        return [option] if option else []


def with_model(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a `ModelCommand` callback its `family` and `spec` instead of MODEL and the flags."""

    def callback(model: str | None, **options: Any) -> Any:
        family, spec = read_model(model, field_texts(options))
        return command(family=family, spec=spec, **options)

    callback.__doc__ = command.__doc__
    return click.argument("model", required=False)(callback)


def field_texts(options: dict[str, Any]) -> dict[str, str]:
    """Take the fields of families out of `options`; return those that were given, as texts."""
    flags = {name: options.pop(name) for name in _field_names() if name in options}
    return {name: _text(value) for name, value in flags.items() if value is not None}


def read_model(model: str | None, flags: Mapping[str, str]) -> tuple[Family, Any]:
    """Return the family and the spec that MODEL and the flags describe together.

    MODEL is a family, with fields after a colon or without: `cnn:dilations=1/2/4,channels=32`.
    """
    name, _, fields = (model or DEFAULT_FAMILY).partition(":")
    family = FAMILIES.get(name)
    texts = {**_fields_of(model or "", fields), **flags}
    _refuse_strangers(name, family, texts)
    return family, specs.read(family.spec, texts)


def _fields_of(model: str, text: str) -> dict[str, str]:
    found = {}
    for part in filter(None, text.split(",")):
        field, equals, value = part.partition("=")
        if not equals:
            raise UsageError(
                f"{model!r}: {part!r} is not FIELD=VALUE. Write e.g. cnn:depth=3,dilations=1/2/4"
            )
        found[field.strip().replace("-", "_")] = value.strip()
    return found


def _refuse_strangers(name: str, family: Family, texts: Mapping[str, str]) -> None:
    known = {field.name: field for field in specs.fields(family.spec)}
    for text in texts:
        if text not in known and text in _field_names():
            flags = ", ".join(field.flag for field in known.values())
            flag = "--" + text.replace("_", "-")
            raise UsageError(f"{flag} is not a field of {name}; it has {flags}")


def _field_names() -> tuple[str, ...]:
    return tuple(_fields_by_name())


def _fields_by_name() -> dict[str, specs.Field]:
    found: dict[str, specs.Field] = {}
    for family in FAMILIES.all().values():
        for field in specs.fields(family.spec):
            found.setdefault(field.name, field)
    return found


def _field_options() -> list[click.Option]:
    # All are read as text: the family's own field says what the text must be.
    return [
        click.Option(
            [f"{field.flag}/--no-{field.flag[2:]}" if field.kind == "switch" else field.flag],
            default=None,
            type=None if field.kind == "switch" else str,
            help=field.help,
        )
        for field in _fields_by_name().values()
    ]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _usage(field: specs.Field) -> str:
    if field.kind == "switch":
        return f"{field.flag} / --no-{field.flag[2:]}"
    words = {"integer": "INT", "number": "NUMBER", "list": "LIST"}
    return f"{field.flag} {words.get(field.kind) or '|'.join(field.choices)}"


def _help(field: specs.Field) -> str:
    shown = field.default
    if shown is None:
        return field.help
    if isinstance(shown, bool):
        shown = "yes" if shown else "no"
    elif isinstance(shown, tuple):
        shown = ",".join(map(str, shown))
    return f"{field.help} [default: {shown}]"
