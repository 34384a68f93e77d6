"""A help that is no longer than a page: what stands on it, and how it is made shorter.

What does not fit on the page gets shorter by steps: a sentence for each option, then names alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from archscope.records import frozen

LINES = 60
"""Most lines of the help of a command."""
WHOLE, SENTENCE, NAMES, FEW = "whole", "sentence", "names", "few"
"""How much is said of the options of a group: all, a sentence each, their names, some of these."""
_TIED = "\xa0"
"""A space at which no line ends."""
_FIRST_COLUMN = 25
"""Widest flag, with what it takes, beside which its text still stands."""
_NARROW = 20
"""Widest list of choices that stands behind a flag, and not in its text."""
_FEW_LINES = 3
_SENTENCE_END = r"(?<!e\.g)(?<!\.)\.\s+(?=[A-Z`\[\"-])|;\s"
_EXAMPLES = 6
"""Examples that stay, however many options there are."""
_OPTIONS = 12
"""Options that are told of before paragraphs behind the examples are left out for them."""


@frozen
class Entry:
    """An option in a help."""

    usage: str
    """Its flags and what it takes, e.g. `--depth INT`."""
    text: str
    """What it does, with its default."""
    name: str
    """What stands for it where its text does not, e.g. `--depth`, or `--depth 50`."""

    def sentence(self) -> str:
        """Return the first sentence of its text, or a part that ends so, and its default."""
        end = re.search(_SENTENCE_END, self.text)
        first = f"{self.text[: end.start()]}." if end else self.text
        default = re.search(r"\[default: .*?\]", self.text)
        return first if default is None or default[0] in first else f"{first} {default[0]}"


@frozen
class Group:
    """Options under a heading."""

    heading: str
    """What stands above them."""
    label: str
    """What stands beside them where they are names."""
    entries: tuple[Entry, ...]
    """The options."""
    details: tuple[str, ...] = (WHOLE, SENTENCE, NAMES)
    """How much may be said of them, the most first."""
    more: str = ""
    """Where those are told of that are left out, e.g. `archscope list cnn`."""
    left_out: int = 0
    """How many more there are than `entries`."""


@frozen
class Page:
    """What a help says, at some step of making it shorter."""

    head: tuple[str, ...]
    """Lines before the examples."""
    examples: tuple[str, ...]
    """Command lines."""
    notes: tuple[str, ...]
    """Paragraphs behind them."""
    groups: tuple[Group, ...]
    """Options; of each group the first of its details is what is said."""
    command: str
    """What is typed, e.g. `archscope params`."""
    is_shorter: bool = False
    """Whether something is left out."""

    def lines(self, width: int) -> list[str]:
        """Return its text, line by line."""
        parts = [list(self.head)]
        if self.examples:
            examples = [part for each in self.examples for part in _broken(each, width - 4)]
            parts.append(["Examples:", *(f"  {line}" for line in examples)])
        parts += [paragraph(note, width, "  ") for note in self.notes]
        told = [group for group in self.groups if group.entries]
        named = [group for group in told if group.details[0] in (NAMES, FEW)]
        parts += [_in_full(group, width) for group in told if group not in named]
        if named:
            heading = f"More options ({self.command} --help-all explains each):"
            parts.append([*wrapped(heading, width), *_by_name(named, width)])
        elif self.is_shorter:
            parts.append([f"All of it: {self.command} --help-all"])
        return [line for part in parts if part for line in ("", *part)][1:]


def choosing(choices: Sequence[str], text: str) -> tuple[str, str]:
    """Return what stands behind a flag that takes one of some words, and its text.

    Many words stand in the text.
    """
    shown = "|".join(choices)
    if len(shown) <= _NARROW:
        return shown, text
    end = re.search(_SENTENCE_END, text) or re.search(r"\.?$", text)
    place = end.start() if end else len(text)
    return "WORD", f"{text[:place]} ({', '.join(choices)}){text[place:]}".strip()


def _broken(command: str, width: int) -> list[str]:
    """Return a command line as a shell reads it over several lines, where one is too long."""
    if len(command) <= width:
        return [command]
    lines: list[str] = []
    line = ""
    for words in re.findall(_OPTION, command):
        if line and len(line) + len(words) + 3 > width:
            lines.append(f"{line} \\")
            line = f"    {words}"
        else:
            line = f"{line} {words}" if line else words
    return [*lines, line]


_WORD = r"""(?:[^\s"']|"[^"]*"|'[^']*')+"""
_OPTION = rf"-\S*(?:\s+(?!-){_WORD})?|{_WORD}"
"""A flag with its value, or another word of a command line."""


def paragraph(text: str, width: int, indent: str) -> list[str]:
    """Return a paragraph as lines; one that begins with `\\b` keeps its own."""
    if text.startswith("\b"):
        return [f"{indent}{line}".rstrip() for line in text.splitlines()[1:]]
    return wrapped(" ".join(text.split()), width, indent)


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    from textwrap import wrap  # most who import this file show no help

    return wrap(
        text,
        max(width, len(indent) + 20),
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _in_full(group: Group, width: int) -> list[str]:
    """Return options under their heading, each with what it does."""
    whole = group.details[0] == WHOLE
    texts = [each.text if whole else each.sentence() for each in group.entries]
    usages = [each.usage for each in group.entries]
    heading = wrapped(f"{group.heading}:", width)
    return heading + _columns(zip(usages, texts, strict=True), _FIRST_COLUMN, width)


def _by_name(groups: Sequence[Group], width: int) -> list[str]:
    """Return options by their names alone, each group beside its label."""
    column = min(max(len(group.label) for group in groups), _FIRST_COLUMN) + 4
    rows = [(group.label, _names(group, width - column)) for group in groups]
    return _columns(rows, _FIRST_COLUMN, width)


def _names(group: Group, width: int) -> str:
    """Return the names of a group as a paragraph, and how many more there are."""
    # A name stays in one piece, with a value that it has.
    names = [each.name.replace(" ", _TIED) for each in group.entries]
    for shown in range(len(names), 0, -1):
        left = len(names) - shown + group.left_out
        more = f" and {left} more: {group.more}" if left and group.more else ""
        text = " ".join(names[:shown]) + more
        if group.details[0] == NAMES or len(wrapped(text, width)) <= _FEW_LINES:
            break
    return text


def _columns(rows: Iterable[tuple[str, str]], widest: int, width: int) -> list[str]:
    """Return two columns; a first one that is wider has a line of its own."""
    table = list(rows)
    column = max(min(len(first), widest) for first, _ in table) + 4
    lines = []
    for first, text in table:
        beside = wrapped(text, width, " " * column)
        if len(first) + 4 <= column and beside:
            lines.append(f"  {first}".ljust(column) + beside[0].lstrip(" "))
            lines += beside[1:]
        else:
            lines += [f"  {first}", *beside]
    return [line.replace(_TIED, " ") for line in lines]


def fitted(page: Page, width: int) -> Page:
    """Return the fullest form of a help that is no longer than a page."""
    found = page
    for found in _shorter(page):
        if len(found.lines(width)) <= LINES:
            break
    return found


def _shorter(page: Page) -> Iterator[Page]:
    """Yield a help in ever shorter forms: what is the command's own stays longest."""
    yield page
    page = replace(page, is_shorter=True)
    last = len(page.groups) - 1
    for number, least in (
        *((number, SENTENCE) for number in range(last, 1, -1)),
        *((number, NAMES) for number in range(last, 1, -1)),
        *((number, FEW) for number in range(last, 1, -1)),
        *((number, SENTENCE) for number in (1, 0)),
        (1, NAMES),
    ):
        details = page.groups[number].details
        if least in details[1:]:
            page = _with(page, number, details=details[details.index(least) :])
            yield page
    while len(page.examples) > _EXAMPLES:
        page = replace(page, examples=page.examples[:-1])
        yield page
    own = page.groups[0]
    for kept in reversed(range(len(own.entries) + 1)):
        rest = replace(own, entries=own.entries[kept:], details=(NAMES,))
        groups = (replace(own, entries=own.entries[:kept]), rest, *page.groups[1:])
        notes = page.notes if kept > _OPTIONS else ()
        yield replace(page, groups=groups, notes=notes)


def _with(page: Page, number: int, **changes: Any) -> Page:
    groups = list(page.groups)
    groups[number] = replace(groups[number], **changes)
    return replace(page, groups=tuple(groups))
