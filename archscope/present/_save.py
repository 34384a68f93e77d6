"""Writes a report to a file in the format that the file's ending names."""

from __future__ import annotations

from pathlib import Path

from archscope.errors import UsageError
from archscope.files import check_target, write_whole
from archscope.present import FORMATS, check_ending, format_of
from archscope.results import Report, View


def save(report: Report, path: str | Path) -> None:
    """Write `report` to `path`, whole or not at all."""
    name = format_of(path)
    if name is None:
        check_ending(path)
        raise UsageError(f"'{path}' has no ending to name a format, e.g. {path}.json")
    target = Path(path)
    check_target(target)
    write_whole(target, FORMATS.get(name).render(report, View()))
