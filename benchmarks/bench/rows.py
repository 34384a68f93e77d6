"""One figure of the table: what was measured, against what, what was aimed at, whether it is met.

Each figure with an anchor is measured in pairs, the two in turns, so that what else the machine
does falls on both alike; its ratio is the median of the ratios of the pairs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Literal

from archscope.records import frozen

ROOT = Path(__file__).parents[2]
ARCHSCOPE = (sys.executable, "-m", "archscope")
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""Compiled files are kept, as on a user's machine."""
PAIRS = 5
Judged = Literal["ratio", "ours", "at least", "near 1"]


@frozen
class Row:
    """One figure."""

    what: str
    """In words."""
    ours: float | None
    """What archscope took, in `unit`; None: it could not be measured, and `note` says why."""
    unit: str = "s"
    """Seconds are of processor time, of a process and what it started, unless by the clock."""
    anchor: str = ""
    """What it is held against, in words; empty: against a number alone."""
    theirs: float | None = None
    """What the anchor took, in `unit`."""
    ratio: float | None = None
    """Median of the ratios of pairs, by `unit`."""
    clock: float | None = None
    """The same by the clock, which other work on the machine lengthens."""
    aim: float | None = None
    """None: nothing was aimed at."""
    judged: Judged = "ratio"
    """Whether the aim is a limit of the ratio or of `ours`, the least that `ours` may be, or how
    far the ratio may be from 1."""
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None where there is none, False where nothing was measured."""
        if self.aim is None:
            return None
        value = self.ratio if self.judged in ("ratio", "near 1") else self.ours
        if value is None:
            return False
        if self.judged == "at least":
            return value >= self.aim
        return abs(value - 1) <= self.aim if self.judged == "near 1" else value <= self.aim

    def cells(self) -> tuple[str, ...]:
        """Return the row of a table: what, ours, anchor, ratio, by the clock, aim, met."""
        anchor = self.anchor
        if self.theirs is not None:
            anchor = f"{anchor}: {shown(self.theirs)} {self.unit}"
        ours = self.note if self.ours is None else f"{shown(self.ours)} {self.unit}".strip()
        sign = {"ratio": "≤ {} ×", "ours": "≤ {} {}", "at least": "≥ {} {}", "near 1": "1 ± {}"}
        aim = "" if self.aim is None else sign[self.judged].format(f"{self.aim:g}", self.unit)
        met = {None: "", True: "yes", False: "MISSED"}[self.met]
        if self.ours is None and self.aim is not None:
            met = "not measured"
        ratios = ("" if each is None else f"{each:.2f}" for each in (self.ratio, self.clock))
        return (self.what, ours, anchor, *ratios, aim.strip(), met)


HEADS = ("what", "ours", "anchor", "ratio", "by the clock", "aim", "met?")


def shown(value: float) -> str:
    """Return a number with three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 or not value else f"{value:.1e}"


@frozen
class Cost:
    """What one run took."""

    seconds: float
    """Of processor time."""
    clock: float
    """Seconds."""
    mebibytes: float = 0.0
    """The most held at once, by a process of its own."""


def program(command: Sequence[str], **settings: Any) -> Cost:
    """Run a program, of which nothing is shown; raises `CalledProcessError` where it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **settings,
    )
    _, status, used = os.wait4(process.pid, 0)
    clock = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):  # 3: a threshold is missed, which is an answer
        raise subprocess.CalledProcessError(process.returncode, list(command))
    return Cost(seconds=used.ru_utime + used.ru_stime, clock=clock, mebibytes=used.ru_maxrss / 1024)


def here(run: Callable[[], object]) -> Cost:
    """Run a function in this process."""
    start, working = time.perf_counter(), time.process_time()
    run()
    return Cost(seconds=time.process_time() - working, clock=time.perf_counter() - start)


def against(
    what: str,
    ours: Callable[[], Cost],
    anchor: str,
    theirs: Callable[[], Cost],
    *,
    aim: float | None = None,
    pairs: int = PAIRS,
) -> Row:
    """Return the row of two things that are run in turns, once each before."""
    ours(), theirs()
    found = []
    for number in range(pairs):
        if number % 2:
            b, a = theirs(), ours()
        else:
            a, b = ours(), theirs()
        found.append((a, b))
    return Row(
        what=what,
        ours=median(a.seconds for a, _ in found),
        anchor=anchor,
        theirs=median(b.seconds for _, b in found),
        ratio=median(a.seconds / b.seconds for a, b in found),
        clock=median(a.clock / b.clock for a, b in found),
        aim=aim,
    )
