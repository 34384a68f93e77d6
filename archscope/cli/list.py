"""`archscope list`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from archscope import specs
from archscope.cli._columns import write_columns, write_heading, write_hung, write_text
from archscope.cli._command import Command
from archscope.cli._complete import names_and
from archscope.cli._fields import help_of
from archscope.errors import UsageError, did_you_mean, same_word

if TYPE_CHECKING:
    from archscope.presets import Preset
    from archscope.studies.measures import Measure

_PRESETS = "presets"
"""The word for all published networks."""
_MEASURES = "measures"
"""The word for all that can be measured by one word."""
_FORMULAS = "formulas"
"""The word for all that a fact may be computed by."""
_SENTENCE = "sentence"
"""The loader whose form has words of its own."""
WORDS = (_PRESETS, _MEASURES, _FORMULAS, _SENTENCE, "stack")
"""What NAME may be besides a family and a preset."""


_EPILOG = """\
\b
Examples:
  archscope list
  archscope list transformer
  archscope list presets
  archscope list measures
  archscope list formulas
  archscope list bert-base-uncased
  archscope list cnn -f json
"""


@click.command(epilog=_EPILOG)
@click.argument("name", required=False, shell_complete=names_and(*WORDS))
@click.option(
    "-f",
    "--format",
    "format_name",
    type=click.Choice(["table", "json"]),
    default="table",
    help="Output format. [default: table]",
)
def command(name: str | None, format_name: str) -> None:
    """List families, analyses and formats, published networks, or the details of one NAME.

    NAME is a family, whose fields are listed, a published network, `presets` for all of those,
    `measures` for everything that can be asserted and budgeted, `formulas` for those that facts
    use, or `sentence` for the words that describe a stack of layers.
    """
    as_json = format_name == "json"
    if name is None:
        _overview(as_json=as_json)
    elif name == _PRESETS:
        _presets(as_json=as_json)
    elif name == _MEASURES:
        _measures(as_json=as_json)
    elif name == _FORMULAS:
        _formulas(as_json=as_json)
    else:
        _one(name, as_json=as_json)


def _one(name: str, *, as_json: bool) -> None:
    from archscope import presets
    from archscope.families import FAMILIES
    from archscope.loaders import LOADERS, WHERE_NAMES_ARE

    families = FAMILIES.names()
    own = {name: loader for name, loader in LOADERS.all().items() if loader.accepts(name)}
    name = same_word(name, [*families, *presets.names(), *own, _SENTENCE]) or name
    if name in families:
        family = FAMILIES.get(name)
        _fields(name, family.summary, family.spec, as_json=as_json)
    elif name == _SENTENCE:
        _reference(name, as_json=as_json)
    elif name in presets.names():
        _preset(presets.load(name), as_json=as_json)
    elif name in own and (spec := own[name].spec(name)):
        _fields(name, own[name].summary, spec, as_json=as_json)
    else:
        raise UsageError(
            f"no family or preset is called {name!r}."
            + did_you_mean(name, [*families, *presets.names(), *WORDS])
            + f" {WHERE_NAMES_ARE}"
        )


def _reference(name: str, *, as_json: bool) -> None:
    from archscope.loaders import LOADERS

    loader = LOADERS.get(name)
    text = loader.reference()
    said = {"name": name, "summary": loader.summary, "reference": text}
    if as_json:
        click.echo(json.dumps(said, indent=1))
    else:
        write_text(text)


def _overview(*, as_json: bool) -> None:
    from archscope.analyses import ANALYSES
    from archscope.families import FAMILIES
    from archscope.loaders import GENERAL, LOADERS
    from archscope.present import FORMATS

    families = FAMILIES.summaries()
    general = {name: families[name] for name in GENERAL}
    found = {
        "families": {**general, **families},
        "loaders": LOADERS.summaries(),
        "analyses": ANALYSES.summaries(),
        "formats": FORMATS.summaries(),
    }
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    own = {name: summary for name, summary in families.items() if name not in general}
    headed = {
        "general families": general,
        "families of one kind of network": own,
        "ways to name a network (MODEL)": found["loaders"],
        "analyses": found["analyses"],
        "formats": found["formats"],
    }
    for heading, entries in headed.items():
        click.echo(heading)
        write_columns(entries.items())
    click.echo("\nThe fields of a family: archscope list transformer")
    click.echo("The published networks: archscope list presets")
    click.echo("What can be claimed of a network: archscope list measures")
    click.echo("The words of a sentence: archscope list sentence")


def _presets(*, as_json: bool) -> None:
    from archscope import presets

    found = tuple(presets.all())
    if as_json:
        click.echo(json.dumps([_record(preset) for preset in found], indent=1))
        return
    rows = ((p.name, p.family, _first_figure(p), _source(p)) for p in found)
    write_columns(rows, cut=True)  # one of them is told of whole
    click.echo("\nWhat one of them is: archscope list bert-base-uncased")


def _formulas(*, as_json: bool) -> None:
    from dataclasses import asdict

    from archscope.studies.facts.formulas import formulas

    found = tuple(formulas())
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=1))
        return
    for each in found:
        write_hung(f"{each.name}({', '.join(each.inputs)})", each.summary)
    click.echo("\nA fact that is computed by one: archscope facts --help")


def _measures(*, as_json: bool) -> None:
    from archscope.studies.measures import measures

    found = measures().values()
    if as_json:
        click.echo(json.dumps([_measure(each) for each in found], indent=1))
        return
    write_columns(
        (e.name, e.analysis, " or ".join(e.quantity.dimensions), e.quantity.help) for e in found
    )
    click.echo('\nA claim: archscope params resnet50 --assert "params <= 26M"')
    click.echo("Budgets in a file: archscope check --help")


def _measure(measure: Measure) -> dict[str, Any]:
    quantity = measure.quantity
    return {
        "name": measure.name,
        "analysis": measure.analysis,
        "dimensions": list(quantity.dimensions),
        "aliases": list(quantity.aliases),
        "better": quantity.better,
        "help": quantity.help,
    }


def _first_figure(preset: Preset) -> str:
    return next((figure.text for figure in preset.published), "")


def _source(preset: Preset) -> str:
    return f"= {preset.same_as}" if preset.same_as else preset.source


def _record(preset: Preset) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "name": preset.name,
        "family": preset.family,
        "source": preset.source,
        "same_as": preset.same_as,
        "fields": dict(preset.fields),
        "published": [asdict(figure) for figure in preset.published],
    }


def _preset(preset: Preset, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_record(preset), indent=1))
        return
    same = f", the same as {preset.same_as}" if preset.same_as else ""
    click.echo(f"{preset.name}: a {preset.family}{same}")
    write_heading(f"source: {preset.source}")
    click.echo("fields that differ from the family's defaults")
    write_columns((specs.flag_of(name), _default(value)) for name, value in preset.fields.items())
    if preset.published:
        click.echo("published figures")
        write_columns(
            (figure.text, _words(figure.quantity, figure.counts), figure.source, figure.reason)
            for figure in preset.published
        )
    click.echo(f"\nAll fields: archscope list {preset.family}")


def _words(quantity: str, counts: str) -> str:
    return f"{quantity} ({counts})" if counts else quantity


def _fields(name: str, summary: str, spec: type, *, as_json: bool) -> None:
    fields = specs.flags(spec)
    if as_json:
        found = [{**_field(f), "of": specs.belongs(spec, f.name) or None} for f in fields]
        click.echo(json.dumps(found, indent=1))
        return
    write_heading(f"{name}: {summary}")
    write_columns((f.flag, _default(f.default), _kind(f), help_of(spec, f)) for f in fields)


def _field(field: specs.Field) -> Mapping[str, Any]:
    return {
        "field": field.name,
        "flag": field.flag,
        "kind": field.kind,
        "choices": list(field.choices),
        "default": specs.plain(field.default),
        "low": field.low,
        "high": field.high,
        "help": field.help,
    }


def _default(value: object) -> str:
    return specs.listed(value) if isinstance(value, tuple) else specs.typed(value)


def _kind(field: specs.Field) -> str:
    """Return what a field may be: its words, or of which kind and range it is."""
    if field.choices and field.kind != "list":
        return "|".join(field.choices)
    words = f", {'|'.join(field.choices)}" if field.choices else ""
    return f"{field.kind}{_range(field)}{words}"


def _range(field: specs.Field) -> str:
    if field.low is None and field.high is None:
        return ""
    if field.low is None or field.high is None:
        return f" >= {field.low:.12g}" if field.high is None else f" <= {field.high:.12g}"
    return f" {field.low:.12g}..{field.high:.12g}"


COMMAND = Command(
    name="list",
    summary="Families, their fields, analyses and formats.",
    order=80,
    click=command,
)
