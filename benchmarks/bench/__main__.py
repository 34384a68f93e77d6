"""How fast and how frugal archscope is, in one table: what, ours, anchor, ratio, aim, met?

    python -m benchmarks.bench                   all; writes reports/bench.md and bench.json
    python -m benchmarks.bench start counting    some files of this folder; no report

Every subject runs in a process of its own: one that fails costs its own rows alone. Figures are
ratios to something measured in turns with them; aims that are missed are said to be missed.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from benchmarks.bench.report import as_json, as_markdown, machine
from benchmarks.bench.rows import ENVIRONMENT, ROOT, Row

SUBJECTS = {
    "start": "Start-up",
    "counting": "Counting",
    "small": "Counting small networks",
    "large": "Counting large networks",
    "fields": "Receptive fields",
    "training": "Memory of training",
    "planning": "Plans, caches, facts and files",
    "sweeps": "Many networks",
    "timing": "Times against torch's own timer",
    "pages": "Pages",
}
"""Files of this folder, and what they are about."""
KEPT = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}
"""Makes the C library keep freed memory. It otherwise gives that of one program back to the system
after every run and not that of the other, as chance has it, and the page faults are 7% of 4 ms."""


def measured(subject: str) -> Iterator[Row]:
    """Yield the rows of a subject as they come, and one that says so where it fails."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.bench", "--one", subject]
    environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    if subject == "timing":
        environment |= KEPT
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            row = Row(**json.loads(line))
            print(f"{subject}: " + " | ".join(filter(None, row.cells())), file=sys.stderr)
            yield row
    if process.returncode:
        yield Row(what=SUBJECTS[subject], ours=None, note="failed; see above")


def one(subject: str) -> None:
    """Measure a subject in this process, and print its rows as JSON."""
    for row in import_module(f"benchmarks.bench.{subject}").rows():
        print(json.dumps(dataclasses.asdict(row)), flush=True)


def main() -> None:
    """Measure, print the table and write the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("subjects", nargs="*", help=", ".join(SUBJECTS))
    parser.add_argument("--one", choices=SUBJECTS, help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=Path, help="a folder; reports/ where all are asked")
    asked = parser.parse_args()
    if unknown := set(asked.subjects) - SUBJECTS.keys():
        parser.error(f"no such subject: {', '.join(sorted(unknown))}; there are {[*SUBJECTS]}")
    if asked.one:
        one(asked.one)
        return
    began, before = time.monotonic(), machine()
    wanted = [name for name in SUBJECTS if not asked.subjects or name in asked.subjects]
    found = {SUBJECTS[name]: tuple(measured(name)) for name in wanted}
    text = as_markdown(found, before, time.monotonic() - began)
    print(text)
    folder = asked.output or (None if asked.subjects else ROOT / "reports")
    if folder is not None:
        (folder / "bench.md").write_text(text, encoding="utf-8")
        (folder / "bench.json").write_text(as_json(found, before), encoding="utf-8")


if __name__ == "__main__":
    main()
