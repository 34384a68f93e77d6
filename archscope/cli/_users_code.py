"""Shows where the user's own code raised: its traceback, without the part that is archscope's."""

from __future__ import annotations

import traceback
from types import TracebackType

import click

from archscope.errors import LoadError

_OURS = ("archscope", "importlib", "click")


def show_traceback(error: LoadError) -> None:
    """Write the traceback of what the user's code raised to stderr."""
    from archscope.labels import safe_label

    raised = error.__cause__
    if raised is None:
        return
    lines = traceback.format_exception(type(raised), raised, _users_part(raised.__traceback__))
    for line in "".join(lines).splitlines():
        click.echo(safe_label(line), err=True)


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(_OURS):
        trace = trace.tb_next
    return trace
