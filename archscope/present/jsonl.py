"""JSON Lines: a row of one section per line, never folded; with `total`, the totals on one line."""

from __future__ import annotations

import json

from archscope.present import Format, _select
from archscope.results import Report, View, plain

_text = json.JSONEncoder(ensure_ascii=True, allow_nan=False, default=plain).encode


def render(report: Report, view: View) -> str:
    """Return the rows of one section, an object per line; see `Format.render`."""
    section = _select.section(report, view.by)
    rows = [plain(_select.totals(report))] if view.total else _select.objects(report, section, view)
    return "".join(f"{_text(row)}\n" for row in rows)


FORMAT = Format(
    name="jsonl",
    summary="only the rows, one JSON object per line",
    suffixes=(".jsonl", ".ndjson"),
    render=render,
)
