"""What only a count of parameters and FLOPs says: tied weights, a summary, the depths in use.

These are the only functions that know fields of the rows and totals of `params` by name; a report
without such fields passes through them unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from archscope.present import _format, _lines
from archscope.present._fold import REFERENCE, Node
from archscope.present._lines import Line
from archscope.results import Report, Section, View

FP32_BYTES = 4
BF16_BYTES = 2
SEPARATOR = " · "
_ITEM = re.compile(r"(?:^|\.)\d+(?:[–,][\d,…]+)?(?=\.|$)")


def tied(line: Line, field: str, text: str) -> str:
    """Return the text of a cell, with the module that holds its weights where it is another."""
    holder = getattr(line.row, REFERENCE, None)
    if field != "trainable" or holder is None or line.parts:
        return text
    where = f"tied → {_format.safe_label(holder)}"
    return f"{text} + {where}" if _lines.value(line, field) else where


def summary(report: Report, section: Section, root: Node | None, view: View) -> tuple[str, ...]:
    """Return the lines under a table of parameters, none for another report.

    `root` is the tree of `section`, the one that is shown.
    """
    totals = report.totals
    if not all(hasattr(totals, field) for field in ("trainable", "frozen")):
        return ()
    parts = [
        f"Trainable {_format.integer(totals.trainable)}",
        f"frozen {_format.integer(totals.frozen)}",
        *_active(totals),
        _weights(totals, view),
        *_largest_list(report, section, root),
    ]
    return (SEPARATOR.join(parts), *_depths(report), *_published(report), *_teacher(report))


def _active(totals: Any) -> list[str]:
    active = getattr(totals, "active", None)
    if active is None or active == totals.trainable + totals.frozen:
        return []
    return [f"active per token {_format.integer(active)}"]


def _weights(totals: Any, view: View) -> str:
    params = totals.trainable + totals.frozen
    fp32 = _format.size(params * FP32_BYTES, exact=view.exact)
    bf16 = _format.size(params * BF16_BYTES, exact=view.exact)
    return f"weights fp32 {fp32}, bf16 {bf16}"


def _largest_list(report: Report, shown: Section, root: Node | None) -> list[str]:
    """Return the share of the list that holds the most, e.g. `blocks: 81.2% of params`."""
    section = next(s for s in report.sections if s.totals is report.totals)
    if not {"trainable", "frozen"} <= _lines.additive(section.row_type):
        return []
    root = root if section is shown else _lines.tree(section)
    lists = _lists(_lines.lines(section, root, View()))
    repeating = [name for name, items in lists.items() if any(item.copies > 1 for item in items)]
    if not repeating:
        return []
    name = max(repeating, key=lambda name: _sum(lists[name], "trainable", "frozen"))
    shares = [
        f"{_format.percent(_sum(lists[name], *fields), whole)}% of {word}"
        for fields, whole, word in _wholes(report.totals)
        if whole
    ]
    return [f"{_format.safe_label(name)}: {', '.join(shares)}"] if shares else []


def _wholes(totals: Any) -> tuple[tuple[tuple[str, ...], Any, str], ...]:
    return (
        (("trainable", "frozen"), totals.trainable + totals.frozen, "params"),
        (("flops",), getattr(totals, "flops", None), "FLOPs"),
    )


def _lists(shown: Sequence[Line]) -> dict[str, list[Line]]:
    """Return the outermost numbered lines by the name of the list that they are items of."""
    found: dict[str, list[Line]] = {}
    for line in shown:
        item = _ITEM.search(line.name)
        if item is None:
            for name, items in _lists(line.parts).items():
                found.setdefault(name, []).extend(items)
        else:
            found.setdefault(line.name[: item.start()] or item.group(), []).append(line)
    return found


def _sum(lines: Sequence[Line], *fields: str) -> int:
    return sum(_lines.value(line, field) or 0 for line in lines for field in fields)


def _depths(report: Report) -> tuple[str, ...]:
    """Return every meaning of depth and its value in one line."""
    rows = _rows_of(report, "params.depth")
    said = [
        f"{_format.safe_label(row.measure)} {_format.cell(row.value, 'count')}"
        for row in rows
        if hasattr(row, "measure") and hasattr(row, "value")
    ]
    return (f"Depth: {SEPARATOR.join(said)}",) if said else ()


def _published(report: Report) -> tuple[str, ...]:
    """Return a line for each figure that the network's authors print."""
    rows = _rows_of(report, "params.published")
    return tuple(_figure(row) for row in rows if hasattr(row, "agrees") and row.counted is not None)


def _figure(row: Any) -> str:
    what = f"{row.text} {row.quantity}" + (f" ({row.counts})" if row.counts else "")
    line = f"Published: {what}, {row.source}; counted {_format.integer(row.counted)}"
    if row.difference == 0:
        return f"{line}, the same"
    line += f", {_signed_percent(row.difference, row.value)}%"
    if row.agrees:
        return f"{line}, the same to the digits printed"
    return line + (f": {row.reason}" if row.reason else "")


def _signed_percent(part: int, whole: int) -> str:
    return f"{'−' if part < 0 else '+'}{_format.percent(abs(part), whole)}"


def _teacher(report: Report) -> tuple[str, ...]:
    """Return a line that says how many times larger the teacher is."""
    rows = _rows_of(report, "params.teacher")
    said = [
        f"{_format.number(float(row.ratio))} × the {_format.safe_label(row.quantity)}"
        for row in rows
        if hasattr(row, "ratio")
    ]
    return (f"Teacher: {SEPARATOR.join(said)}",) if said else ()


def _rows_of(report: Report, address: str) -> tuple[Any, ...]:
    found = report.find(address)
    return found.rows if found else ()
