"""How charts of memory write it: one unit for all of a chart, and the most of a line in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archscope.present import _format
from archscope.present.html.charts._style import label

_GIB = 2**30
_MIB = 2**20


def unit_of(most: int) -> tuple[int, str]:
    """Return the unit in which so many bytes are drawn, and its word."""
    return (_GIB, "GiB") if most >= _GIB else (_MIB, "MiB")


def named_peak(name: str, rows: Sequence[Any]) -> str:
    """Say when most is alive in a step's rows."""
    top = max(rows, key=lambda row: row.alive)
    of = f"{_format.safe_label(name)}: most" if name else "Most"
    where = f", at {_format.safe_label(top.path)}" if top.path else ""
    return f"{of} is {_format.iec_bytes(top.alive)}, in the {top.phase}{where}"


def hover(row: Any) -> str:
    """Say what a point of a step is."""
    return (
        f"{row.phase} · {label(row.path) or 'the model itself'}<br>{_format.iec_bytes(row.alive)}"
    )
