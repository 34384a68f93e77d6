"""What only an audit says: signed differences, and dashes where a counter gives nothing.

These are the only functions that know fields of the rows of `audit` by name; rows without such
fields pass through them unchanged.
"""

from __future__ import annotations

from typing import Any

from archscope.present import _format
from archscope.results import Column


def cell(row: Any, column: Column, text: str) -> str:
    """Return the text of a cell as a reader of an audit wants it."""
    value = getattr(row, column.name)
    if hasattr(row, "counted") and value is None:
        return _format.NOTHING  # what is not installed, or does not count this: no unknown number
    if not hasattr(row, "explained"):
        return text
    if column.name in ("amount", "share") and value is not None and value > 0:
        return text if text.startswith("<") else f"+{text}"
    if column.name == "quantity":
        return "MACs" if value == "macs" else text
    if column.name == "modules" and not value:
        return "all"
    return text
