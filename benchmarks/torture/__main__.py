"""Tries to break the command line: generated command lines and altered files, by the thousand.

    python benchmarks/torture                        100,000 command lines, 10,000 files
    python benchmarks/torture commands --count 500 --seed 7

Each is run in a process of its own kind, with a time limit. What is wrong: a traceback, an error
that no part foresaw, an exit code that is none of 0 to 3, a control character in what is printed, a
failure without a word, a process that dies, takes too long, or is left changed.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

import commands
import files
from furnished import furnish
from running import outcomes

PARTS = {"commands": (commands.trials, 100_000), "files": (files.trials, 10_000)}


def main() -> None:
    """Print each thing that is wrong as it comes, then how many were tried and found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=", ".join(PARTS))
    parser.add_argument("--count", type=int, help="so many of each part")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        furnish(Path(folder))
        for part in options.parts:
            _try(part, options.count or PARTS[part][1], options.seed, folder)
        os.chdir("/")


def _try(part: str, count: int, seed: int, folder: str) -> None:
    made = list(PARTS[part][0](count, random.Random(seed)))
    codes, found, start = Counter[int | None](), 0, time.perf_counter()
    for outcome in outcomes(made, folder):
        codes[outcome.code] += 1
        if outcome.problems:
            found += 1
            line = " ".join(map(repr, outcome.trial.command))
            about = f" ({outcome.trial.about})" if outcome.trial.about else ""
            print(f"{part}: {line}{about}: {'; '.join(outcome.problems)}", flush=True)
    ends = ", ".join(f"{number:,} x {code}" for code, number in codes.most_common())
    seconds = time.perf_counter() - start
    print(
        f"{part}: {count:,} tried, {found:,} found; exit codes {ends}; {seconds:.0f} s", flush=True
    )


if __name__ == "__main__":
    main()
