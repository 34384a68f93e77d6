"""Shows where the user's own code raised: its traceback, without the part that is archscope's."""

from __future__ import annotations

import traceback
from types import TracebackType

from archscope.cli._say import say
from archscope.errors import LoadError

_OURS = ("archscope", "importlib", "click")


def show_traceback(error: LoadError) -> None:
    """Write the traceback of what the user's code raised to stderr."""
    raised = error.__cause__
    if raised is None:
        return
    lines = traceback.format_exception(type(raised), raised, _users_part(raised.__traceback__))
    for line in "".join(lines).splitlines():
        say(line)


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(_OURS):
        trace = trace.tb_next
    return trace
