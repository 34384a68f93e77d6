"""Keeps what the user's own code prints out of results on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

_STDOUT, _STDERR = 1, 2
"""The files that every program has."""


@contextmanager
def prints_to_stderr() -> Iterator[None]:
    """Send what is printed to stderr; what C code and other programs write beside Python too."""
    with _below_python(), redirect_stdout(sys.stderr):
        yield


@contextmanager
def _below_python() -> Iterator[None]:
    try:
        is_programs = sys.stdout.fileno() == _STDOUT
    except (AttributeError, OSError, ValueError):  # a notebook's, a test's: not a file
        is_programs = False
    if not is_programs:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    try:
        yield
    finally:
        os.dup2(kept, _STDOUT)
        os.close(kept)
