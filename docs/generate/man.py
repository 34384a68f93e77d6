"""The manual page, `man archscope`: made from the commands, and kept as a file that the wheel has.

`python -m generate.man` in docs/ writes it anew; a test holds it to the commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from inspect import cleandoc
from pathlib import Path
from textwrap import wrap

import click

from archscope.cli._group import group
from archscope.cli._help_page import Group
from generate.commands import Described, described, paragraph

PAGE = Path(__file__).parents[1] / "archscope.1"
_CODES = (
    ("0", "done"),
    ("1", "the analysis failed, or a result could not be written"),
    ("2", "the command line is invalid"),
    ("3", "a threshold was crossed: --strict, --assert, a budget, a fact"),
    ("130", "interrupted"),
)
_FAMILY = "Fields of "
_WRITTEN = "2026-11-29"
"""The day of the page's form, which readers of pages want; what it says changes with commands."""
_WIDTH = 79
"""Columns of the source's longest line, as `mandoc -T lint` wants it."""


def page() -> str:
    """Return the page as roff, for `man` and `mandoc`."""
    head, *rest = map(paragraph, cleandoc(group.help or "").split("\n\n"))
    name, about = "archscope", head.rstrip(".")
    lines = [
        '.\\" Made by docs/generate/man.py; do not edit.',
        f'.TH ARCHSCOPE 1 "{_WRITTEN}" "archscope" "User Commands"',
        ".SH NAME",
        f"{name} \\-",
        *_lines(about[:1].lower() + about[1:]),
        ".SH SYNOPSIS",
        f".B {name}",
        "[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]...",
        ".SH DESCRIPTION",
        *list(_paragraphs(rest))[1:],
        ".SH COMMANDS",
        *(line for each in described() for line in _listed(each)),
        ".SH OPTIONS",
        *_general(),
    ]
    for each in described():
        lines += _told(each)
    lines += [".SH EXIT STATUS", *(line for code in _CODES for line in _entry(*code))]
    lines += [".SH FILES", *_entry("archscope.toml, pyproject.toml", _FILES)]
    lines += [".SH ENVIRONMENT", *_entry("ARCHSCOPE_COMMAND_OPTION", _VARIABLE)]
    return "\n".join(lines) + "\n"


_FILES = (
    "Defaults of options, with a table per command, and budgets; the nearest such file, from the "
    "working folder upwards, is used. In pyproject.toml it is the table tool.archscope."
)
_VARIABLE = "Default of a command's option, e.g. ARCHSCOPE_PARAMS_DEPTH=24."


def _listed(each: Described) -> list[str]:
    return list(_entry(f"archscope {each.name}", each.summary))


def _general() -> Iterator[str]:
    context = click.Context(group, info_name="archscope")
    for param in group.get_params(context):
        record = param.get_help_record(context)
        if record:
            yield from _entry(*record)


def _told(each: Described) -> Iterator[str]:
    yield f".SH ARCHSCOPE {_text(each.name.upper())}"
    yield f".B archscope {_text(each.name)}"
    yield _text(each.usage)
    yield from _paragraphs(each.text)
    yield from _paragraphs(each.notes)
    for options in each.groups:
        if options.entries:
            yield from _options(options)
    if each.examples:
        yield from (".SS Examples", ".nf")
        yield from (_text(example) for example in each.examples)
        yield ".fi"


def _options(options: Group) -> Iterator[str]:
    if options.heading.startswith(_FAMILY):
        family = options.heading.removeprefix(_FAMILY)
        count = len(options.entries) + options.left_out
        yield from _paragraphs(
            [f"{count} fields of {family} are flags too: archscope list {family}."]
        )
        return
    yield f'.SS "{_text(options.heading)}"'
    for entry in options.entries:
        yield from _entry(entry.usage, entry.text)


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield ".PP"
        if "\n" in text:  # lines as they are
            yield from (".nf", *map(_text, text.splitlines()), ".fi")
        else:
            yield from _lines(text)


def _entry(head: str, text: str) -> Iterator[str]:
    yield ".TP"
    yield f".B {_text(head)}"
    yield from _lines(text)


def _lines(text: str) -> Iterator[str]:
    for line in wrap(_text(text), _WIDTH, break_on_hyphens=False, break_long_words=False):
        yield re.sub(r"^\.", "\\\\&.", line)  # no line is a request


def _text(text: str) -> str:
    """Return plain text as roff shows it with its signs as they are typed."""
    plain = " ".join(text.replace("\xa0", " ").split()).replace("\\", "\\e")
    signs = plain.replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return signs.replace("^", "\\(ha").replace("~", "\\(ti").replace('"', "\\(dq")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
