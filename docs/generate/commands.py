"""The commands: a page each, made from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from inspect import cleandoc

import click

from archscope.cli._group import group, summaries
from archscope.cli._help import ExplainedCommand, read_epilog
from archscope.cli._help_page import Group
from archscope.families import FAMILIES
from archscope.records import frozen
from generate.markdown import code, escaped, fenced, table

_OF_A_FAMILY = re.compile(r"Fields of ([\w-]+)$")


@frozen
class Described:
    """One command, as its help tells of it."""

    name: str
    """What is typed behind `archscope`, e.g. `rf suggest`."""
    summary: str
    """Its line in the list of commands."""
    usage: str
    """What may follow its name."""
    text: tuple[str, ...]
    """Paragraphs that say what it does; one of several lines is shown as it stands."""
    examples: tuple[str, ...]
    """Whole command lines."""
    notes: tuple[str, ...]
    """Paragraphs behind them."""
    groups: tuple[Group, ...]
    """Its options, all of them."""


@cache
def described() -> tuple[Described, ...]:
    """Return every command in the order of the help, those below another behind it."""
    return tuple(each for name in summaries() for each in _described(name))


def _described(name: str) -> Iterator[Described]:
    above = group.make_context("archscope", [], resilient_parsing=True)
    command = group.get_command(above, name)
    assert isinstance(command, ExplainedCommand), name
    yield _one(command, name, summaries()[name], above)
    for below in getattr(command, "also", ()):
        inner = command.make_context(name, [below], parent=above, resilient_parsing=True)
        assert isinstance(inner.command, ExplainedCommand)
        yield _one(inner.command, f"{name} {below}", "", above)


def _one(command: ExplainedCommand, name: str, summary: str, above: click.Context) -> Described:
    context = click.Context(command, parent=above, info_name=name, resilient_parsing=True)
    text = tuple(map(paragraph, cleandoc(command.help or "").split("\n\n")))
    examples, notes = read_epilog(command.epilog or "")
    return Described(
        name=name,
        summary=summary or text[0],
        usage=" ".join(command.collect_usage_pieces(context)),
        text=text,
        examples=examples,
        notes=tuple(map(paragraph, notes)),
        groups=tuple(command.help_groups(context, everything=True)),
    )


def paragraph(text: str) -> str:
    """Return a paragraph on one line, or without Click's mark that its lines are to stay."""
    return text.removeprefix("\b\n") if text.startswith("\b") else " ".join(text.split())


def pages() -> dict[str, str]:
    """Return the page of every command by its path."""
    return {f"commands/{each.name.replace(' ', '-')}.md": _page(each) for each in described()}


def overview() -> str:
    """Return the table of all commands."""
    rows = (
        (f"[{code(f'archscope {each.name}')}](commands/{each.name.replace(' ', '-')}.md)",
         escaped(each.summary))
        for each in described()
    )  # fmt: skip
    return table(("command", "what it does"), rows)


def general() -> str:
    """Return the options before any command."""
    context = click.Context(group, info_name="archscope")
    records = (param.get_help_record(context) for param in group.get_params(context))
    return table(
        ("option", "what it does"), ((code(a), escaped(b)) for a, b in filter(None, records))
    )


def _page(each: Described) -> str:
    parts = [f"# archscope {each.name}\n"]
    parts += map(_shown, each.text)
    parts.append(fenced(f"archscope {each.name} {each.usage}", "text"))
    if each.examples:
        lines = "\n".join(f"$ {line}" for line in each.examples)
        parts += ["## Examples\n", fenced(lines, "console")]
    parts += map(_shown, each.notes)
    for options in filter(lambda options: options.entries, each.groups):
        parts += [f"## {escaped(options.heading)}\n", _options(options)]
    return "\n".join(parts)


def _shown(paragraph: str) -> str:
    return fenced(paragraph) if "\n" in paragraph else f"{escaped(paragraph)}\n"


def _options(options: Group) -> str:
    family = _OF_A_FAMILY.match(options.heading)
    if family and family[1] in FAMILIES.names():
        listed = f"[its page](../families/{family[1]}.md)"
        count = len(options.entries) + options.left_out
        return (
            f"All {count} fields of the family are flags: {listed} describes each. "
            "A MODEL of another family has that family's flags.\n"
        )
    return table(
        ("option", "what it does"),
        ((code(entry.usage), escaped(entry.text)) for entry in options.entries),
    )
