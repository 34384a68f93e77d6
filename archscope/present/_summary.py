"""The lines right under a table, from what its section says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archscope.present import _format, _lines
from archscope.present._lines import Line
from archscope.results import Amount, LargestList, Report, Strip, Sum, View, Words

SEPARATOR = " · "
WIDTH = 120
"""Characters of a drawn strip where the output has no width of its own."""
_LABELS = ("1-D reach", "1-D paths")
_SIGNS = {False: ("■", "·"), True: ("#", ".")}
_ITEM = re.compile(r"(?:^|\.)\d+(?:[–,][\d,…]+)?(?=\.|$)")


def summary(report: Report, line: Words | Strip, view: View) -> tuple[str, ...]:
    """Return what stands under a table for one line of its section's summary."""
    if isinstance(line, Strip):
        return _strip(report, line, view)
    return (words(report, line, view),)


def words(report: Report, said: Words, view: View) -> str:
    """Return a line of words and numbers as text."""
    return "".join(_word(report, part, view) for part in said)


def _word(report: Report, part: str | Amount | LargestList, view: View) -> str:
    if isinstance(part, LargestList):
        return _largest(report, part)
    if isinstance(part, str):
        return _format.safe_label(part)
    if part.to is not None:
        return _format.span(part.value or 0.0, part.to)
    return _format.cell(part.value, part.kind, exact=view.exact)


def _largest(report: Report, wanted: LargestList) -> str:
    """Return the share of the list that holds most of the first sum."""
    section = report.find(wanted.section)
    whole = [sum(_own(row, s) for row in section.rows) for s in wanted.sums] if section else []
    root = _lines.tree(section) if section else None
    if section is None or root is None:
        return ""
    lists = _lists(_lines.lines(section, root, View()))
    repeating = [name for name, items in lists.items() if any(item.copies > 1 for item in items)]
    if not repeating:
        return ""
    name = max(repeating, key=lambda name: _sum(lists[name], wanted.sums[0]))
    shares = (
        f"{_format.percent(_sum(lists[name], each), all_of_it)}% of {each.word}"
        for each, all_of_it in zip(wanted.sums, whole, strict=True)
        if all_of_it
    )
    said = ", ".join(shares)
    return f"{SEPARATOR}{_format.safe_label(name)}: {said}" if said else ""


def _own(row: object, wanted: Sum) -> int:
    return sum(getattr(row, f"own_{field}") or 0 for field in wanted.fields)


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


def _sum(lines: Sequence[Line], wanted: Sum) -> int:
    return sum(_lines.value(line, field) or 0 for line in lines for field in wanted.fields)


def _strip(report: Report, strip: Strip, view: View) -> tuple[str, ...]:
    """Return a line of signs and a line of numbers, in words where they do not fit."""
    reached, paths, rest = (
        words(report, said, view) for said in (strip.reached, strip.paths, strip.rest)
    )
    drawn = _drawn(strip.counts, view, max(len(reached), len(paths)))
    if not drawn:
        said = (reached, paths + rest)
        return tuple(f"{label}   {text}" for label, text in zip(_LABELS, said, strict=True))
    lines = zip(_LABELS, drawn, (reached, paths), strict=True)
    return tuple(f"{label}   {cells}   {text}" for label, cells, text in lines)


def _drawn(counts: Sequence[int], view: View, tail: int) -> tuple[str, str] | None:
    """Return a sign and a number per position, None where they do not fit on a line."""
    if not counts:
        return None
    seen, hole = _SIGNS[view.ascii]
    room = (WIDTH if view.width is None else view.width) - len(_LABELS[0]) - 6 - tail
    if 2 * len(counts) - 1 > room or max(counts).bit_length() > room:
        return None
    numbers = [str(number) for number in counts]
    width = max(map(len, numbers))
    if (width + 1) * len(counts) - 1 > room:
        return None
    signs = ((seen if number else hole).rjust(width) for number in counts)
    return " ".join(signs), " ".join(number.rjust(width) for number in numbers)
