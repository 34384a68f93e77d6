"""Says what is no result, on stderr: notes, warnings, errors."""

from __future__ import annotations

import sys

import click

from archscope.cli._progress import hush


def say(message: str) -> None:
    """Write a message to stderr, safe to print; where nobody can hear it, it is left out."""
    from archscope.labels import safe_label

    hush()
    try:
        click.echo(safe_label(message), err=True)
    except (OSError, ValueError):  # a full disk, a closed file
        sys.stderr = None  # Python would try once more at its exit
