"""What a command is, and how one is found: a file here, or an entry point of the same group."""

from __future__ import annotations

import click

from archscope.records import frozen
from archscope.registry import Registry

UNPLACED = 50
"""Place in the help of what says none, and of analyses without a command of their own."""


@frozen
class Command:
    """One word that may stand after `archscope`."""

    name: str
    """What the user types, e.g. `params`."""
    summary: str
    """The line in `archscope --help`."""
    click: click.Command
    """What parses the rest of the command line and answers."""
    order: int = UNPLACED
    """Place in the help: lower comes first."""


COMMANDS = Registry("command", "archscope.cli", "COMMAND", Command)
