"""Kills sweeps at random moments, parent or worker, and holds the store against a run without.

    python benchmarks/sweep_killed.py 100
    python benchmarks/sweep_killed.py 100 25        on a busy machine: kills within so many seconds

A row that a reader saw before the kill must be there after it, no row twice, and the same command
must finish what was begun; at the end every number is that of a sweep that nobody killed. Linux.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from archscope.errors import UsageError
from archscope.sweeping.store import Kept, read

_SWEEP = ["--depth", "4:16", "--channels", "16:256:16", "--measure", "params,macs,rf"]
_PATIENCE_S = 30
_SECONDS = 8.0
"""After the start, within which a kill comes: some before the first row, most among the rows."""


def main(kills: int, seconds: float) -> None:
    """Kill sweeps so many times, and print what was found."""
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        whole = _finished(Path(folder) / "whole.db")
        reference = _numbers(whole)
        path, done, finished, rows = Path(folder) / "killed.db", 0, 0, 0
        while done < kills:
            process = _start(path)
            time.sleep(draw.uniform(0, seconds))
            before = _rows(path)
            killed = _kill(process, draw)
            done += killed
            after = _rows(path)
            assert before <= after, f"lost: {sorted(before - after)[:3]}"
            if (killed and process.returncode == 0) or process.poll() == 0:
                assert _numbers(read(path)) == reference, "a row differs from the whole run's"
                finished, rows = finished + 1, rows + len(reference)
                path = path.with_name(f"killed{done}.db")
            print(f"\r{done} kills, {finished} stores finished", end="", flush=True)
        kept = _finished(path)
        assert _numbers(kept) == reference
        _await_orphans()
    print(f"\n{done} kills; {finished + 1} stores of {len(reference)} rows finished after them; "
          "0 rows lost, 0 rows twice")  # fmt: skip


def _start(path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "archscope", "sweep", *_SWEEP, "--store", str(path)]
    return subprocess.Popen(
        [*command, "--workers", "2", "-q", "-o", os.devnull, "-f", "csv"],
        stderr=subprocess.DEVNULL,
    )


def _finished(path: Path) -> Kept:
    process = _start(path)
    assert process.wait() == 0, "the sweep does not finish"
    return read(path)


def _kill(process: subprocess.Popen[bytes], draw: random.Random) -> bool:
    """Kill the parent or one of the processes below it; False where there is nothing any more."""
    if process.poll() is not None:
        return False
    below = _below(process.pid)
    if below and draw.random() < 0.5:
        os.kill(draw.choice(below), signal.SIGKILL)
        process.wait()  # it goes on without that worker
    else:
        process.kill()
        process.wait()
        time.sleep(0.3)
    return True


def _below(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they did."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found, waiting = [], [pid]
    while waiting:
        new = children.get(waiting.pop(), [])
        found += new
        waiting += new
    return found


def _await_orphans() -> None:
    """Wait until no worker is left whose parent was killed: one may be importing torch still."""
    deadline = time.monotonic() + _PATIENCE_S
    while orphans := _orphans():
        assert time.monotonic() < deadline, f"workers without a parent: {orphans}"
        time.sleep(0.5)


def _orphans() -> list[int]:
    return [
        int(each.parent.name)
        for each in Path("/proc").glob("[0-9]*/cmdline")
        if b"multiprocessing" in _text(each) and _parent(each.parent) == 1
    ]


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _parent(process: Path) -> int:
    fields = _text(process / "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def _rows(path: Path) -> set[str]:
    try:
        return {each.name for each in read(path).outcomes if each.status == "done"}
    except UsageError:  # it is not there yet
        return set()


def _numbers(kept: Kept) -> dict[str, object]:
    names = [each.name for each in kept.outcomes]
    assert len(names) == len({*names}), "a row is there twice"
    assert all(each.status == "done" for each in kept.outcomes)
    return {each.name: [answer.found for answer in each.answers] for each in kept.outcomes}


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 100, float(given[1]) if given[1:] else _SECONDS)
