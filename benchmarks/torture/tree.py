"""The commands, their options and their examples, as the command line itself tells of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import click

NEVER = frozenset(("--help", "--help-all", "-h"))
"""Options of which one trial is as good as a thousand: they come among the odd words."""


@dataclass(frozen=True)
class Place:
    """A command with what may stand behind it."""

    name: str
    options: tuple[click.Option, ...]
    """Its own options, and what says how a network of one's own is run."""
    takes: int
    """How many free words it takes: 0, 1, or -1 for any number."""


@cache
def commands() -> Mapping[str, Place]:
    """Return every command by name."""
    from archscope.cli._group import group

    context = click.Context(group, info_name="archscope")
    return {name: _place(name, context) for name in group.list_commands(context)}


def _place(name: str, above: click.Context) -> Place:
    command = _command(name, above)
    # The flags of fields are drawn from their families; what is left are the command's own.
    own = [*command.params, *_own_networks(command)]
    options = tuple(
        each for each in own if isinstance(each, click.Option) and not NEVER & set(each.opts)
    )
    free = [each.nargs for each in command.params if isinstance(each, click.Argument)]
    return Place(name, options, free[0] if free else 0)


def _command(name: str, above: click.Context) -> click.Command:
    found = above.command.get_command(above, name)  # type: ignore[attr-defined]
    assert found is not None
    return found  # type: ignore[no-any-return]


def _own_networks(command: click.Command) -> tuple[click.Option, ...]:
    from archscope.cli import _model

    return _model._OWN if isinstance(command, _model.ModelCommand) else ()


@cache
def examples() -> tuple[tuple[str, ...], ...]:
    """Return the command lines that stand in the help of all commands, without the program."""
    from archscope.cli._group import group

    context = click.Context(group, info_name="archscope")
    texts = [group.epilog or "", *((_command(n, context).epilog or "") for n in commands())]
    return tuple(dict.fromkeys(line for text in texts for line in _lines(text)))


def _lines(text: str) -> Iterator[tuple[str, ...]]:
    for line in text.replace("\\\n", " ").splitlines():
        program, _, rest = line.strip().partition(" ")
        if program == "archscope":
            yield tuple(shlex.split(rest.partition(" | ")[0], comments=True))


@cache
def shown() -> Mapping[str, tuple[str, ...]]:
    """Return for each flag the values that the examples give it."""
    found: dict[str, list[str]] = {}
    for line in examples():
        for flag, value in pairwise(line):
            if flag.startswith("-"):
                found.setdefault(flag, []).append(value)
    return {flag: tuple(dict.fromkeys(values)) for flag, values in found.items()}
