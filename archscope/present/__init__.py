"""Ways to write a report as text: one file or folder each, with the constant `FORMAT`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from archscope.errors import UsageError
from archscope.records import frozen
from archscope.registry import Registry
from archscope.results import Report, Section, View


@frozen
class Format:
    """A way to write a `Report` as text."""

    name: str
    """What the user types after `-f`."""
    summary: str
    """One line for `archscope list`."""
    suffixes: tuple[str, ...]
    """File endings of `-o` that choose this format, e.g. `(".json",)`."""
    render: Callable[[Report, View], str]
    """The whole text, ending in a newline."""


FORMATS = Registry("format", "archscope.present", "FORMAT", Format)


def format_of(path: str | Path) -> str | None:
    """Return the name of the format that a file's ending stands for, None where none has it."""
    suffix = Path(path).suffix.lower()
    formats = FORMATS.all().values() if suffix else ()
    return next((known.name for known in formats if suffix in known.suffixes), None)


def check_ending(path: str | Path) -> None:
    """Raise `UsageError` where a file's ending promises what is no format here, e.g. `.pdf`.

    A number after a dot is none, and a pipe or a device may be called anything.
    """
    place = Path(path)
    has_ending = re.fullmatch(r"\.[A-Za-z]\w*", place.suffix, re.ASCII) is not None
    if has_ending and format_of(path) is None and (place.is_file() or not place.exists()):
        endings = sorted(s for known in FORMATS.all().values() for s in known.suffixes)
        raise UsageError(
            f"'{path}': its suffix is not a known format; known are {', '.join(endings)}"
        )


def unsorted(report: Report, view: View) -> str:
    """Return that a view's column has no value to sort rows by; nothing where it has."""
    from archscope.present import _select

    return _select.unsorted(report, view)


def require_columns(sections: Sequence[Section], names: Sequence[str]) -> None:
    """Raise `UsageError` for the first name that is a column of none of these sections.

    Sections without rows will do, so that a slip is told before any work. Where columns depend on
    the networks side by side, nothing is said.
    """
    from archscope.present import _select

    if any(each.heads for each in sections):
        return
    for name in names:
        if not any(_select.named(each, name) for each in sections):
            _select.named_columns(sections[0], [name])
