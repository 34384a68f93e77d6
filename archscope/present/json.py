"""JSON, schema 2: every row of every section, never folded, every integer with all its digits.

Text stands in it unchanged, escaped by JSON itself, so that names can be read back exactly.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from archscope.present import Format, _select
from archscope.results import SCHEMA, Report, Section, View, plain

_text = json.JSONEncoder(ensure_ascii=True, allow_nan=False, default=plain).encode


def render(report: Report, view: View) -> str:
    """Return a report as JSON, a line per row; see `Format.render`."""
    parts = [f"{_text(key)}: {_text(value)}" for key, value in _head(report).items()]
    shown = _select.section(report, view.by)
    if not view.total:
        whole = replace(view, columns=())  # what is saved is read back
        sections = (_section(report, s, whole if s is shown else View()) for s in report.sections)
        parts.append('"sections": {\n' + ",\n".join(sections) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _head(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "tool": "archscope",
        "version": report.environment.archscope,
        "command": report.command,
        "title": report.title,
        "origin": report.origin,
        "config": plain(report.config),
        "inputs": plain(report.inputs),
        "environment": plain(report.environment),
        "flop_convention": plain(report.convention),
        "uncounted_ops": _uncounted(report),
        "totals": plain(report.totals),
    }


def _section(report: Report, section: Section, view: View) -> str:
    """Return a section under its address, a line per row, so that two files can be compared."""
    what = {
        "device": section.device,
        "totals": plain(section.totals),
        "notes": plain(section.notes),
        "headline": plain(section.headline),
        "summary": plain(section.summary),
    }
    rows = [f"\n {_text(row)}" for row in _select.objects(report, section, view)]
    listed = f"[{','.join(rows)}\n]" if rows else "[]"
    return f'{_text(section.address)}: {_text(what)[:-1]}, "rows": {listed}}}'


def _uncounted(report: Report) -> dict[str, int | None]:
    return {note.operator: note.calls for note in report.notes if note.operator is not None}


FORMAT = Format(
    name="json",
    summary="everything, for other programs; archscope reads it back",
    suffixes=(".json",),
    render=render,
)
