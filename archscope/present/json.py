"""JSON, schema 1: every row of every section, never folded, every integer with all its digits.

Text stands in it unchanged, escaped by JSON itself, so that names can be read back exactly.
"""

from __future__ import annotations

import json
from typing import Any

from archscope.present import Format, _select
from archscope.results import SCHEMA, Report, View, plain

_text = json.JSONEncoder(ensure_ascii=True, allow_nan=False, default=plain).encode


def render(report: Report, view: View) -> str:
    """Return a report as JSON, a line per row; see `Format.render`."""
    parts = _head(report)
    shown = _select.section(report, view.by)
    if not view.total:
        for section in report.sections:
            parts[section.name] = list(
                _select.objects(section, view if section is shown else View())
            )
        parts["notes"] = plain(report.notes)
        parts["sections"] = _sections(report)
    body = ",\n".join(f"{_text(key)}: {_lines(value)}" for key, value in parts.items())
    return f"{{\n{body}\n}}\n"


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


def _sections(report: Report) -> list[dict[str, Any]]:
    """Return what a reader needs beside the rows; `notes` counts those of the report from 0."""
    found, first = [], 0
    for section in report.sections:
        last = first + len(section.notes)
        found.append(
            {
                "name": section.name,
                "device": section.device,
                "totals": plain(section.totals),
                "notes": list(range(first, last)),
            }
        )
        first = last
    return found


def _uncounted(report: Report) -> dict[str, int | None]:
    return {note.operator: note.calls for note in report.notes if note.operator is not None}


def _lines(value: Any) -> str:
    """Return a value as JSON, a list with an item per line, so that two files can be compared."""
    if not isinstance(value, list) or not value:
        return _text(value)
    return "[\n" + ",\n".join(f" {_text(item)}" for item in value) + "\n]"


FORMAT = Format(
    name="json",
    summary="everything, for other programs; the form that archscope reads back",
    suffixes=(".json",),
    render=render,
)
