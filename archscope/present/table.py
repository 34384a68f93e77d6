"""A table for a terminal."""

from __future__ import annotations

from archscope.present import Format
from archscope.results import Report, View


def render(report: Report, view: View) -> str:
    """Return a report as a table; see `Format.render`."""
    from archscope.present import _terminal  # what lays it out is not needed to list formats

    return _terminal.render(report, view)


FORMAT = Format(
    name="table",
    summary="a table for the terminal, with repeated blocks folded",
    suffixes=(".txt",),
    render=render,
)
