"""Rows that a forward looks up: where they are known, one that a table has not is an error."""

from __future__ import annotations

from torch import Tensor


class NoRowError(IndexError):
    """A row is looked up that a table has not: torch says so with data, whatever else is tried."""


def require_rows(table: Tensor, rows: Tensor) -> None:
    """Raise `NoRowError` where rows with data are not those of a table."""
    if rows.is_meta or not rows.numel():
        return
    low, high = int(rows.min()), int(rows.max())
    if low < 0 or high >= table.shape[0]:
        row = low if low < 0 else high
        raise NoRowError(f"row {row:,} is looked up, and the table has {table.shape[0]:,}")
