"""Tries to break archscope, by the ten thousand, and writes down what was tried and found.

    python benchmarks/torture                              all of it; hours
    python benchmarks/torture commands --count 500 --seed 7
    python benchmarks/torture commands --first 4711 --count 1     one that was found, again
    python benchmarks/torture specs --family cnn --family tcn

What is wrong is printed as it comes: a traceback, an error that no part foresaw or that is longer
than a line, an exit code that is none or wrong, JSON that is none, a control character in what is
printed, a warning of a library, more than 10 s or 2 GiB, a file, a network, a process that is
left changed, a number that another road contradicts. The counts go into reports/torture.md, a line
for each part; lines of parts that were not asked for stay as they are, and a run that goes on from
where the last one ended (`--first` as many as it tried) is added to its line.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import commands
import files
import running
import written
from found import Tally
from furnished import furnish

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # networks and browser are those of the tests


def main() -> None:
    """Try each part and print its counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=", ".join(PARTS))
    parser.add_argument("--count", type=int, help="so many of each part")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--family", action="append", default=[], help="specs of this one alone")
    parser.add_argument("--report", type=Path, default=ROOT / "reports" / "torture.md")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name, "here")  # what lies above it is named by `..`
        folder.mkdir()
        folder.parent.chmod(0o755)
        os.chdir(folder)
        furnish(folder)
        for part in options.parts:
            began = time.process_time() + sum(os.times()[2:4])
            tally = PARTS[part][0](options.count or PARTS[part][1], options, folder)
            seconds = time.process_time() + sum(os.times()[2:4]) - began
            line = written.line(part, PARTS[part][2], tally, options, seconds)
            print(line, flush=True)
            written.keep(options.report, line)
        os.chdir("/")


Part = Callable[[int, argparse.Namespace, Path], Tally]


def _of_trials(name: str, module: object) -> Part:
    def tried(count: int, options: argparse.Namespace, folder: Path) -> Tally:
        tally = Tally(name)
        trials = module.trials(count, options.seed, options.first)  # type: ignore[attr-defined]
        with contextlib.suppress(KeyboardInterrupt):  # what was tried until then is written
            for outcome in running.outcomes(trials, str(folder)):
                line = " ".join(map(repr, outcome.trial.command))
                what = f"{outcome.trial.about}: {line} {dict(outcome.trial.environment) or ''}"
                tally.add(what.rstrip(), outcome.problems, f"x {outcome.code}")
        return tally

    return tried


def _specs(count: int, options: argparse.Namespace, folder: Path) -> Tally:
    import specs

    return specs.tried(count, options.seed, tuple(options.family))


def _places(name: str) -> Part:
    def tried(count: int, options: argparse.Namespace, folder: Path) -> Tally:
        import places

        places.imported(folder)
        made: Tally = getattr(places, name)(count, options.seed, folder)
        return made

    return tried


def _harm(name: str) -> Part:
    def tried(count: int, options: argparse.Namespace, folder: Path) -> Tally:
        import harm

        made: Tally = getattr(harm, name)(count, options.seed)
        return made

    return tried


def _payloads(count: int, options: argparse.Namespace, folder: Path) -> Tally:
    import payloads

    return payloads.payloads(count, options.seed, folder)


def _weights(count: int, options: argparse.Namespace, folder: Path) -> Tally:
    import weights

    return weights.tried(count, options.seed, folder)


PARTS: dict[str, tuple[Part, int, str]] = {
    "commands": (_of_trials("commands", commands), 100_000,
                 "generated command lines: every command, option and family"),
    "files": (_of_trials("files", files), 10_000,
              "altered saved files, configurations, budgets, lock files, facts, stores"),
    "weights": (_weights, 10_000, "damaged files of weights and graphs; nothing of them may run"),
    "specs": (_specs, 2_000, "random specs, so many of each family, by three roads"),
    "harm": (_harm("harm"), 10_000, "awkward networks, each asked by every verb"),
    "interrupts": (_harm("interrupts"), 1_000, "interrupts of three verbs, so many of each"),
    "payloads": (_payloads, 500, "outputs of networks and files with hostile names, pages twice"),
    "disks": (_places("disks"), 1_000, "files written where there is not enough room"),
    "kills": (_places("kills"), 1_000, "commands killed while they write a file"),
    "links": (_places("links"), 10_000, "links, pipes, devices, folders, rights, holes for files"),
    "names": (_places("names"), 10_000, "odd names of files"),
}  # fmt: skip
"""What is tried by each name, how often, and what it is."""


if __name__ == "__main__":
    main()
