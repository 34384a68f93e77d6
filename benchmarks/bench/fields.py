"""Receptive fields by the operators that ran: what twice the size costs.

    python -m benchmarks.bench.fields               all networks of `field_networks.py`, by name
    python -m benchmarks.bench.fields LSTM "3-D U-Net of 5 levels"

Each network at each of two sizes in a process of its own: seconds of the whole analysis, without
the imports and the making of the network, and the peak memory of the process, torch included.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence

from benchmarks.bench.rows import ENVIRONMENT, ROOT, Row

PUBLISHED = ("400 conv 2-D", "LSTM", "conv stack, wide", "r3d_18", "running sum")
"""Those of which an aim is set."""
SECONDS, GIBIBYTES, DOUBLING = 5.0, 1.0, 1.2
LIMIT = 150
"""Seconds after which a process is ended."""


def rows(names: Sequence[str] = PUBLISHED) -> Iterator[Row]:
    """Yield for each network its seconds and memory at the larger size, and the ratio of both."""
    for name in names:
        first, second = (_measured(name, which) for which in (0, 1))
        if first is None or second is None:
            yield Row(what=f"`rf` of {name}", ours=None, aim=SECONDS, judged="ours", note="failed")
            continue
        (size, small, _, less), (larger, busy, peak, clock) = first, second
        what = f"`rf` of {name}, {larger}"
        yield Row(what=what, ours=busy, aim=SECONDS, judged="ours")
        yield Row(what=f"{what}, most held", ours=peak, unit="GiB", aim=GIBIBYTES, judged="ours")
        yield Row(
            what=what, ours=busy, anchor=f"{size}", theirs=small, ratio=busy / max(small, 0.01),
            clock=clock / max(less, 0.01), aim=DOUBLING,
        )  # fmt: skip


def _measured(name: str, which: int) -> tuple[str, float, float, float] | None:
    """Return a size, seconds of processor time, GiB and seconds by the clock; None: it failed."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.bench.field_networks"]
    try:
        done = subprocess.run(
            [*command, name, str(which)], cwd=ROOT, env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, timeout=LIMIT,
        )  # fmt: skip
        size, busy, peak, clock = done.stdout.strip().split("\t")
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return size, float(busy), float(peak), float(clock)


if __name__ == "__main__":
    from benchmarks.bench.field_networks import NETWORKS

    for row in rows(sys.argv[1:] or [*NETWORKS]):
        print(" | ".join(filter(None, row.cells())), flush=True)
