"""Watches the threads that a forward begins, of which no mode and no hook sees anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def failures_of_threads() -> Iterator[list[BaseException]]:
    """Within it, collect what threads raise that begin there, in place of printing it."""
    found: list[BaseException] = []
    before, running = threading.excepthook, set(threading.enumerate())

    def note(raised: threading.ExceptHookArgs) -> None:
        if raised.thread in running or raised.exc_value is None:
            before(raised)
        else:
            found.append(raised.exc_value)

    threading.excepthook = note
    try:
        yield found
    finally:
        threading.excepthook = before
