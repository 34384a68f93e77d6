"""The report of what was tried and found: a line of Markdown for each part, kept in one file."""

from __future__ import annotations

import argparse
import os
import platform
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from found import Tally

from archscope import files

HEAD = """\
# What was tried to break archscope

`make torture` writes this file: how often each part was tried, with which seed, and how many of
these tries found anything wrong. `python benchmarks/torture PART --seed N` repeats one. What counts
as wrong stands at the head of `benchmarks/torture/__main__.py`.

| part | what is tried | tried | found | ends | seed | first | CPU | day | version | machine |
|---|---|---|---|---|---|---|---|---|---|---|
"""


COLUMNS = [each.strip() for each in HEAD.splitlines()[-2].strip("|").split("|")]


def line(part: str, what: str, tally: Tally, options: argparse.Namespace, seconds: float) -> str:
    """Return what came of a part as a row of the table."""
    return _line(
        part, what, f"{tally.tried:,}", f"{tally.found:,}", tally.line(), options.seed,
        options.first, f"{seconds:,.0f} s", f"{datetime.now(UTC):%Y-%m-%d}", _version(), machine(),
    )  # fmt: skip


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _version() -> str:
    import archscope

    return archscope.__version__


def machine() -> str:
    """Return in a few words what this ran on."""
    import torch

    try:
        told = Path("/proc/cpuinfo").read_text()
        name = next(each.partition(": ")[2] for each in told.splitlines() if "model name" in each)
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    system = f"{platform.system()}, Python {platform.python_version()}, torch {torch.__version__}"
    return f"{os.cpu_count()} x {name}, {system}"


def keep(path: Path, row: str) -> None:
    """Put a row in the place of that of the same part, and write the file anew.

    A run that goes on where the last one of this version and machine ended is added to its row.
    """
    rows: dict[str, str] = {}
    if path.exists():
        table = path.read_text(encoding="utf-8").partition("|---")[2].splitlines()[1:]
        rows = {_part(each): each for each in table if each.startswith("| ")}
    rows[_part(row)] = _together(rows[_part(row)], row) if _part(row) in rows else row
    files.write_whole(path, HEAD + "".join(f"{each}\n" for each in rows.values()))


def _part(row: str) -> str:
    return row.split(" | ")[0].removeprefix("| ")


def _cells(row: str) -> dict[str, str]:
    return dict(zip(COLUMNS, row.removeprefix("| ").removesuffix(" |").split(" | "), strict=True))


def _together(old: str, new: str) -> str:
    """Return one row of both where the second run goes on from the end of the first, else its."""
    was, now = _cells(old), _cells(new)
    same = all(was[each] == now[each] for each in ("seed", "version", "machine"))
    if not same or int(now["first"]) != int(was["first"]) + _number(was["tried"]):
        return new
    ends: Counter[str] = Counter()
    for cells in (was, now):
        for each in re.split(r", (?=\d)", cells["ends"]):
            count, _, end = each.partition(" ")
            ends[end] += _number(count)
    sums = {each: f"{_number(was[each]) + _number(now[each]):,}" for each in ("tried", "found")}
    seconds = f"{sum(_number(cells['CPU'].split()[0]) for cells in (was, now)):,} s"
    told = ", ".join(f"{count:,} {end}" for end, count in ends.most_common())
    return _line(*(now | sums | {"ends": told, "CPU": seconds, "first": was["first"]}).values())


def _number(text: str) -> int:
    return int(text.replace(",", ""))
