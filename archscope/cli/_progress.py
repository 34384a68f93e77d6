"""Shows what is being done: one line of stderr, where somebody looks and it takes a while."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from threading import Event, Lock, Thread
from time import monotonic
from typing import TextIO

from archscope.labels import safe_label
from archscope.progress import Step, heard_by

DELAY_S = 1.0
"""What is done sooner is not told of."""
_EVERY_S = 0.25
_CLEAR = "\r\x1b[2K"
_FRAMES = ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\")
"""What shows that it goes on: in Unicode, and elsewhere."""


class Display:
    """One line that is drawn again and again by a thread of its own, until something is said."""

    def __init__(self, stream: TextIO) -> None:
        encoding = (getattr(stream, "encoding", None) or "").lower()
        self._stream = stream
        self._frames = cycle(_FRAMES[not encoding.startswith("utf")])
        self._began = monotonic()
        self._step: Step | None = None
        self._drawn = False
        self._lock = Lock()
        self._ended = Event()
        self._thread = Thread(target=self._keep_drawing, daemon=True)
        self._thread.start()

    def __call__(self, step: Step) -> None:
        """Show a step; one that is to be still is drawn here and now, and not again."""
        with self._lock:
            self._step = step
            if step.still:
                self._draw()

    def hush(self) -> None:
        """Take the line away until the next step: something else is written."""
        with self._lock:
            self._step = None
            self._wipe()

    def end(self) -> None:
        """Take the line away for good."""
        self._ended.set()
        self._thread.join()
        self.hush()

    def _keep_drawing(self) -> None:
        while not self._ended.wait(_EVERY_S):
            with self._lock:
                if self._step is not None and not self._step.still:
                    self._draw()

    def _draw(self) -> None:
        seconds = monotonic() - self._began
        if self._step is None or seconds < DELAY_S:
            return
        text = f"{next(self._frames)} {_text(self._step)} · {seconds:.0f} s"
        with suppress(OSError, ValueError):  # a terminal that has gone
            from shutil import get_terminal_size  # what it imports takes a millisecond

            self._stream.write(_CLEAR + text[: get_terminal_size().columns - 1])
            self._stream.flush()
            self._drawn = True

    def _wipe(self) -> None:
        if self._drawn:
            with suppress(OSError, ValueError):
                self._stream.write(_CLEAR)
                self._stream.flush()
            self._drawn = False


_shown: list[Display] = []
"""The display that there is, if any."""


@contextmanager
def shown(*, quiet: bool) -> Iterator[None]:
    """Show what is done within on stderr: on a terminal alone, and not where all is to be quiet."""
    stream = sys.stderr
    if quiet or _shown or stream is None or not _is_terminal(stream):
        yield
        return
    display = Display(stream)
    _shown.append(display)
    try:
        with heard_by(display):
            yield
    finally:
        _shown.clear()
        display.end()


def hush() -> None:
    """Take away what is shown, before something else is written."""
    for display in _shown:
        display.hush()


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") not in (None, "", "dumb")


def _text(step: Step) -> str:
    parts = [step.what]
    if step.done is not None:
        parts.append(f"{100 * step.done:.0f}%")
    if step.left_s is not None:
        parts.append(f"{step.left_s:.0f} s left")
    return safe_label(" · ".join(parts))
