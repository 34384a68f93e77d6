"""Pages of documentation whose blocks are run: they show what is printed, and their code works."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from archscope.cli import main
from archscope.cli._group import group

FENCED = re.compile(r"^```(\w*)(?:[ \t]+(.*?))?\n(.*?)^```[ \t]*$", re.M | re.S)
LEFT_OUT = "…"
"""A line in place of lines that are not shown."""
_PROMPT = "$ archscope "
_ENDS = re.compile(r"#.*\bexit (\d+)")
"""A comment behind a command that says how it ends, where that is not with 0."""


@dataclass(frozen=True)
class Block:
    """One block of code of a page."""

    language: str
    title: str
    """The file that it is, from `title="..."` behind its language."""
    text: str


@dataclass(frozen=True)
class Shown:
    """A command of a page, and what the page shows of what it prints."""

    typed: str
    """All behind `archscope`, with its comment."""
    lines: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """What is typed, as a shell reads it."""
        return shlex.split(self.typed, comments=True)

    @property
    def ends(self) -> int:
        """The exit code that the page promises."""
        found = _ENDS.search(self.typed)
        return int(found[1]) if found else 0


def blocks(text: str, *languages: str) -> list[Block]:
    """Return the blocks of a page in order, of some languages or of all."""
    found = []
    for language, options, inner in FENCED.findall(text):
        title = re.search(r'title="(.*?)"', options or "")
        found.append(Block(language, title[1] if title else "", inner))
    return [block for block in found if not languages or block.language in languages]


def commands(block: str) -> list[Shown]:
    """Return the commands of a block, each with the lines that are shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith(_PROMPT):
            found.append((line.removeprefix(_PROMPT), []))
        elif line.startswith("$ "):
            found.append(("", []))  # no command of ours
        elif line != LEFT_OUT:
            assert found, f"{line!r} stands before any command"
            found[-1][1].append(unaligned(line))
    return [Shown(typed, tuple(lines)) for typed, lines in found if typed]


def unaligned(line: str) -> str:
    """Return a line of a table without what only sets its columns below others."""
    return " ".join(line.split())


def understood(command: str) -> None:
    """Raise where the command line does not understand a command."""
    program, *words = shlex.split(command, comments=True)
    assert program == "archscope"
    above = group.make_context("archscope", words)
    name, command_, rest = group.resolve_command(above, words)
    assert command_ is not None
    assert isinstance(command_.make_context(name, rest, parent=above), click.Context)


def typed(command: str, capsys: pytest.CaptureFixture[str], *, ends: int = 0) -> str:
    """Return all that a command prints; how long something takes is no figure of any page."""
    words = shlex.split(command, comments=True)
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"] if words[0] == "time" and "--gpu" not in words else words)
    captured = capsys.readouterr()
    assert ended.value.code == ends, captured.err
    return captured.out + captured.err


def shows(shown: Shown, capsys: pytest.CaptureFixture[str]) -> str:
    """Hold what a page shows of a command against what is printed, and return all of that."""
    printed = typed(shown.typed, capsys, ends=shown.ends)
    lines = [unaligned(line) for line in printed.splitlines()]
    assert tuple(line for line in lines if line in shown.lines) == shown.lines, shown.typed
    return printed


def follow(text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Do what a page says from its first block to its last, within a folder; return all printed.

    A block with a title is written there; the names of Python blocks last to the end of the page.
    """
    printed, names = "", dict[str, Any]()
    for block in blocks(text):
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            printed += "".join(shows(shown, capsys) for shown in commands(block.text))
        elif block.language == "python":
            exec(block.text, names)
            printed += capsys.readouterr().out
    return printed


def figures(text: str, printed: str) -> None:
    """Hold each figure in bold of a page against what was printed."""
    for figure in re.findall(r"\*\*(.+?)\*\*", FENCED.sub("", text)):
        assert re.search(rf"(?<![\d,.]){re.escape(figure)}(?![\d,])", printed), figure
