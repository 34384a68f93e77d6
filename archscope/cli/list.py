"""`archscope list`."""

from __future__ import annotations

import json
from collections.abc import Iterable

import click

from archscope import specs
from archscope.registry import ANALYSES, FAMILIES, FORMATS


@click.command()
@click.argument("family", required=False)
@click.option(
    "-f",
    "--format",
    "format_name",
    type=click.Choice(["table", "json"]),
    default="table",
    help="[default: table]",
)
def command(family: str | None, format_name: str) -> None:
    """List families, analyses and formats; or the fields of one FAMILY.

    \b
    Examples:
      archscope list
      archscope list transformer
      archscope list cnn -f json
    """
    if family is None:
        _overview(as_json=format_name == "json")
    else:
        _fields(family, as_json=format_name == "json")


def _overview(*, as_json: bool) -> None:
    found = {
        "families": {n: f.summary for n, f in FAMILIES.all().items()},
        "analyses": {n: a.summary for n, a in ANALYSES.all().items()},
        "formats": {n: f.summary for n, f in FORMATS.all().items()},
    }
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for kind, entries in found.items():
        click.echo(f"{kind}")
        _columns((name, summary) for name, summary in entries.items())
    click.echo("\nThe fields of a family: archscope list transformer")


def _fields(name: str, *, as_json: bool) -> None:
    family = FAMILIES.get(name)
    fields = specs.fields(family.spec)
    if as_json:
        records = [
            {
                "field": field.name,
                "flag": field.flag,
                "kind": field.kind,
                "choices": list(field.choices),
                "default": field.default,
                "low": field.low,
                "high": field.high,
                "help": field.help,
            }
            for field in fields
        ]
        click.echo(json.dumps(records, indent=1))
        return
    click.echo(f"{name}: {family.summary}")
    _columns((f.flag, _default(f.default), _kind(f), f.help) for f in fields)


def _default(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()


def _kind(field: specs.Field) -> str:
    return "|".join(field.choices) if field.choices else field.kind


def _columns(rows: Iterable[tuple[str, ...]]) -> None:
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  " + "  ".join(padded).rstrip())
