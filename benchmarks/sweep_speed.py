"""How fast variants of a cnn are counted by both engines, and what another worker adds.

    python benchmarks/sweep_speed.py 2000 1 2

Prints for each number of workers the seconds of a clock, and the seconds of processors that the
parent and its workers took: on a machine that is busy otherwise the latter say more. Linux.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from archscope.library import plan_sweep, run_sweep
from archscope.subject import Request

_FIELDS = {
    "depth": "4:16",
    "channels": "16:256:16",
    "dilations": "1/2/4;1/2/5;1/1/2;2/2/2;1/3/9",
    "kernel_size": "3;5;7;9;11",
    "norm": "batch,none",
}
_TICKS = os.sysconf("SC_CLK_TCK")


def main(variants: int, workers: int) -> None:
    """Count so many variants, drawn at random, and print how long that took."""
    asked = plan_sweep("cnn", Request(fields=_FIELDS), measure="params,macs", sample=variants)
    below: dict[int, float] = {}
    known: set[int] = set()

    def watch(progress: object) -> None:
        if len(known) < workers or getattr(progress, "done", 0) % 50 == 0:
            known.update(_below(os.getpid()))
        if getattr(progress, "done", 0) % 50 == 0 or progress.done == progress.total:  # type: ignore[attr-defined]
            below.update({pid: _seconds(pid) for pid in known if _seconds(pid)})

    began, own = time.monotonic(), time.process_time()
    report = run_sweep(asked, workers=workers, executor="processes", watch=watch)
    clock, own = time.monotonic() - began, time.process_time() - own
    rows = report.section("sweep.variants").rows
    assert all(row.status == "done" for row in rows)
    each = 1000 / len(rows)
    print(
        f"{len(rows):,} variants, {workers} workers: {clock:.1f} s; of processors "
        f"{own * each:.2f} ms a variant in the parent, {sum(below.values()) * each:.2f} ms below"
    )


def _below(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        new = children.get(waiting.pop(), [])
        found += new
        waiting += new
    return found


def _seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    number, *several = map(int, sys.argv[1:] or ["2000", "1", "2"])
    for workers in several:
        main(number, workers)
