"""Changes the rules of counting and of sets, one place at a time, and asks whether a test notices.

    python benchmarks/mutation                    50 mutants of seed 0; a quarter of an hour
    python benchmarks/mutation --count 200 --seed 3
    python benchmarks/mutation --only archscope/dependence/sets
    python benchmarks/mutation --record FOLDER    keeps which tests run which lines, or reads it
    python benchmarks/mutation --report           also writes reports/mutation.md

A mutant is one operator, number or condition of one line changed (DeMillo, Lipton and Sayward 1978,
"Hints on test data selection"). It is put into a copy of the tree, where those tests of its room
that run its line do so until one fails, the quickest first; where a line runs at import, all. Which
these are is recorded first, in one run of all of them by coverage (`pip install coverage`). What
none of them notices has survived: a test is missing, or the change changes nothing, and then
`equivalent.toml` says why. A line that no test runs is told as such.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import trials
from mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
REASONS = Path(__file__).with_name("equivalent.toml")
COUNTING = ("operators", "formulas", "fvcore_handles", "fvcore_estimates", "estimates", "layouts",
            "quantised", "closed_forms", "closed_form_engine", "fused")  # fmt: skip
RECORDED = ("fact_rules", "element_moves", "zeros", "prefixes", "spectra")
MUTATED = (
    *(f"archscope/counting/{name}.py" for name in COUNTING),
    "archscope/counting/custom",
    "archscope/dependence/rules",
    "archscope/dependence/sets",
    *(f"archscope/dependence/record/{name}.py" for name in RECORDED),
)
"""The rules: of what operators multiply, of what they look at, and of sets of positions."""
NOTICED, SURVIVED, UNRUN, SAME = "noticed", "survived", "run by no test", "changes nothing"
"""What becomes of a mutant."""


def drawn(root: Path, places: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """Return so many mutants, each of another line."""
    chance, found = Random(seed), mutants(root, places)
    lines = chance.sample(sorted(found), min(count, len(found)))
    return [chance.choice(found[line]) for line in lines]


def copied(folder: Path) -> Path:
    """Return a copy of what git knows of the tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    for name in filter(None, listed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def reasons() -> dict[tuple[str, str, str], str]:
    """Return why changes change nothing, by file, old and new text; "" is any new text."""
    told = tomllib.loads(REASONS.read_text(encoding="utf-8")) if REASONS.is_file() else {}
    return {(e["path"], e["old"], e.get("new", "")): e["why"] for e in told.get("equivalent", [])}


def why_same(mutant: Mutant) -> str | None:
    """Return why a change changes nothing; None where nobody says so."""
    known, (path, old, new) = reasons(), mutant.key()
    return known.get((path, old, new), known.get((path, old, "")))


def outcome(root: Path, known: Mapping[str, trials.Record], mutant: Mutant) -> str:
    """Return what becomes of a mutant, in a word or two."""
    record = known[trials.room_of(mutant.path)]
    tests = trials.tests_of(record, mutant.path, mutant.before, mutant.line)
    if tests and trials.notice(root, mutant.path, mutant.after, tests):
        return NOTICED
    return SAME if why_same(mutant) else SURVIVED if tests else UNRUN


def report(found: Mapping[str, Sequence[Mutant]], command: str) -> str:
    """Return what came of it in Markdown."""
    tried, missed = sum(map(len, found.values())), len(found[SURVIVED]) + len(found[UNRUN])
    lines = [
        "# Mutants of the rules of counting and of sets",
        "",
        f"`{command}`: one operator, number or condition of one line changed, {tried} times.",
        f"A test noticed {len(found[NOTICED])}; {len(found[SAME])} change nothing;",
        f"{missed} survived ({100 * missed / max(tried, 1):.0f} %; aim <= 5 %).",
    ]
    for word in (SURVIVED, UNRUN, SAME):
        lines += ["", f"## {word.capitalize()}"] if found[word] else []
        for each in found[word]:
            place, *changed = each.diff()
            lines += ["", f"{place} {why_same(each) or ''}".rstrip(), "", "```diff"]
            lines += [*changed, "```"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Try mutants one after the other, and print what becomes of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", help="this file or folder; may be given again")
    parser.add_argument("--first", type=int, default=1, help="go on from this one of them")
    parser.add_argument("--record", type=Path, help="folder for which tests run which lines")
    parser.add_argument("--report", action="store_true", help="write reports/mutation.md")
    asked = parser.parse_args()
    found: dict[str, list[Mutant]] = {word: [] for word in (NOTICED, SURVIVED, UNRUN, SAME)}
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        root = copied(Path(name, "tree"))
        known = trials.records(root, asked.record or Path(name))
        given = drawn(root, asked.only or MUTATED, asked.count, asked.seed)
        for number, mutant in enumerate(given[asked.first - 1 :], asked.first):
            word = outcome(root, known, mutant)
            found[word].append(mutant)
            print(f"{number} of {len(given)} {word}", *mutant.diff(), sep="\n    ", flush=True)
    only = [f" --only {place}" for place in asked.only or ()]
    seeded = f"python benchmarks/mutation --seed {asked.seed} --count {asked.count}"
    text = report(found, "".join([seeded, *only]))
    print(text)
    if asked.report:
        (ROOT / "reports" / "mutation.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
