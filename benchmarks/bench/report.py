"""The table as Markdown and as JSON, and what machine it was measured on."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from archscope.records import frozen
from archscope.version import __version__
from benchmarks.bench.rows import HEADS, Row

BUSY = 0.5
"""Other work, in processors for each that there is, from which on a machine is called loaded."""


@frozen
class Machine:
    """What it was measured on; no names of hosts, users or folders."""

    processor: str
    cores: int
    """Those that may be used."""
    memory_gib: int
    load: float
    """Programs that wanted to run, on average over a minute, before the first measurement."""
    python: str
    torch: str
    archscope: str
    system: str
    day: str

    @property
    def loaded(self) -> bool:
        """Whether other work was done meanwhile."""
        return self.load > BUSY * self.cores


def machine() -> Machine:
    """Return what this machine is, and how busy."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(memory / 2**30),
        load=round(os.getloadavg()[0], 1),
        python=platform.python_version(),
        torch=version("torch"),
        archscope=__version__,
        system=f"{platform.system()} {platform.machine()}",
        day=date.today().isoformat(),
    )


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def as_markdown(found: Mapping[str, Sequence[Row]], on: Machine, seconds: float) -> str:
    """Return the whole report: the sums, the machine, and one table under headings."""
    rows = [row for some in found.values() for row in some]
    aimed = [row for row in rows if row.aim is not None]
    missed = [row for row in aimed if row.met is False]
    lines = [
        "# How fast and how frugal",
        "",
        f"`make bench`: {len(rows)} figures, {len(aimed)} with an aim, "
        f"{len(aimed) - len(missed)} met, {len(missed)} missed or not measured.",
        "Seconds are of processor time, of a program and what it started, unless they are by the",
        "clock. Ratios are medians of pairs run in turns: of processor time, then by the clock.",
        "",
        f"{on.processor}, {on.cores} cores, {on.memory_gib} GiB, {on.system}; Python {on.python},",
        f"torch {on.torch}, archscope {on.archscope}; {on.day}, {seconds / 60:.0f} minutes.",
    ]
    if on.loaded:
        lines += [
            "",
            f"**The machine did other work meanwhile** (load {on.load:g} on {on.cores} cores): the",
            "clock says less than processor time here, and both say less than on a quiet machine.",
        ]
    for title, some in found.items():
        lines += ["", f"## {title}", "", *table(some)]
    return "\n".join(lines) + "\n"


def table(rows: Sequence[Row]) -> list[str]:
    """Return the lines of a table whose columns are as wide as what they hold."""
    cells = [HEADS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, each, widths)) + " |" for each in cells]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def as_json(found: Mapping[str, Sequence[Row]], on: Machine) -> str:
    """Return the same as data, each row with whether its aim is met."""
    rows = [
        {"subject": title, **dataclasses.asdict(row), "met": row.met}
        for title, some in found.items()
        for row in some
    ]
    return json.dumps({"machine": dataclasses.asdict(on), "rows": rows}, indent=1) + "\n"
