"""Reads files from outside: regular ones alone, a bounded part of them, JSON without surprises."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from archscope.errors import UsageError
from archscope.labels import safe_label

LARGEST_SHAPE = 1 << 56
"""Elements that a tensor may have: its bytes are to come in 64 bits, whatever its number type."""
LARGEST_JSON = 64 << 20
"""Bytes of a file of JSON that lists shards, or says what a network is."""
RANK = 64
"""Axes that a tensor may have, as in torch."""


class BadFileError(UsageError):
    """A file is not what its name says; the message tells which file and what is wrong.

    Names from the file are made safe: they may hold new lines, and what steers a terminal.
    """

    def __init__(self, message: str) -> None:
        super().__init__(safe_label(message))


@contextmanager
def opened(path: Path, shown: str) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file, and tell its size; raises `BadFileError`.

    What is not a file is not waited for: a pipe would never end, and a device never either.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise BadFileError(f"{shown} cannot be read: {_said(error)}") from None
    found = os.fstat(number)
    if not stat.S_ISREG(found.st_mode):
        os.close(number)  # Python makes no file of a folder
        is_folder = stat.S_ISDIR(found.st_mode)
        what = "a folder" if is_folder else f"no regular file but a {_kind(found.st_mode)}"
        raise BadFileError(f"{shown} is {what}")
    with os.fdopen(number, "rb") as file:
        try:
            yield file, found.st_size
        except OSError as error:
            raise BadFileError(f"{shown} cannot be read: {_said(error)}") from None


def _said(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "device")


def read_json(path: Path, shown: str) -> dict[str, Any]:
    """Return the object that a file of JSON holds; raises `BadFileError`."""
    with opened(path, shown) as (file, size):
        if size > LARGEST_JSON:
            raise BadFileError(
                f"{shown} has {size:,} bytes; JSON of up to {LARGEST_JSON >> 20} MiB is read"
            )
        return json_object(file.read(), shown)


def json_object(text: bytes, shown: str, **how: Any) -> dict[str, Any]:
    """Return the object that a text of JSON is; raises `BadFileError`."""
    try:
        found = json.loads(text, **how)
    except BadFileError as error:  # of a hook, which knows no file
        raise BadFileError(f"{shown} {error}") from None
    except UnicodeDecodeError:
        raise BadFileError(f"{shown} is not JSON: it is not encoded in UTF-8") from None
    except RecursionError:
        raise BadFileError(f"{shown} cannot be read as JSON: it is nested too deeply") from None
    except ValueError as error:
        raise BadFileError(f"{shown} is not JSON: {str(error)[:120]}") from None
    if not isinstance(found, dict):
        raise BadFileError(f"{shown} is JSON, but not an object: it begins with {text[:1]!r}")
    return found


def elements_of(shape: Any, what: str) -> int:
    """Return how many numbers a shape has; raises `BadFileError` where it is none."""
    if type(shape) not in (list, tuple) or len(shape) > RANK:
        raise BadFileError(f"{what} has no shape: {str(shape)[:60]}")
    count = 1
    for size in shape:
        if type(size) is not int or size < 0:
            raise BadFileError(f"{what} has a size of {str(size)[:40]!s}")
        count *= size
        if count >= LARGEST_SHAPE:
            raise BadFileError(f"{what} has more than 2^56 numbers")
    return count
