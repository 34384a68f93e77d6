"""Changes the rules of counting and of sets, one place at a time, and asks whether a test notices.

    python benchmarks/mutation.py                    50 mutants of seed 0; half an hour
    python benchmarks/mutation.py --count 200 --seed 3
    python benchmarks/mutation.py --only archscope/dependence/sets
    python benchmarks/mutation.py --report           also writes reports/mutation.md

A mutant is one operator, number or condition of one line changed (DeMillo, Lipton and Sayward 1978,
"Hints on test data selection"). It is put into a copy of the tree, where the tests of its room run
until one fails. What none of them notices has survived: a test is missing, or the change changes
nothing, and then `mutation.toml` says why.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]
REASONS = Path(__file__).with_suffix(".toml")
COUNTING = ("operators", "formulas", "fvcore_handles", "fvcore_estimates", "estimates", "layouts",
            "quantised", "closed_forms", "expected", "fused")  # fmt: skip
RECORDED = ("fact_rules", "element_moves", "zeros", "prefixes", "spectra")
MUTATED = (
    *(f"archscope/counting/{name}.py" for name in COUNTING),
    "archscope/counting/custom",
    "archscope/dependence/rules",
    "archscope/dependence/sets",
    *(f"archscope/dependence/record/{name}.py" for name in RECORDED),
)
"""The rules: of what operators multiply, of what they look at, and of sets of positions."""
SLOW = {"test_random_networks", "test_random_graphs", "test_hard_networks", "test_as_found"}
"""Files of tests that come last: they take long, and what they notice others mostly notice too."""
PLACES = {"archscope/counting": ("tests/counting",), "archscope/dependence": ("tests/dependence",)}
"""What is tested where."""
SWAPS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"), ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"),
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "+"), ast.FloorDiv: ("//", "*"),
    ast.Div: ("/", "*"), ast.Mod: ("%", "*"), ast.And: ("and", "or"), ast.Or: ("or", "and"),
}  # fmt: skip
"""What stands between two operands, and what is put there instead."""
NO_MATTER = {"strict", "frozen", "eq", "slots", "kw_only", "maxsize", "warn", "message"}
"""Keywords whose values decide no number."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    path: str
    """The file, from the root of the tree."""
    before: str
    """What the file holds."""
    after: str
    """What it then holds."""

    def diff(self) -> list[str]:
        """Return the lines that go and come, with their number first."""
        lines = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), n=0)
        _, _, place, *changed = lines
        return [f"{self.path}:{place.split()[1].lstrip('-').partition(',')[0]}", *changed]

    def key(self) -> tuple[str, str, str]:
        """Return what `mutation.toml` knows it by: the file, the old text and the new one."""
        _, *changed = self.diff()
        old, new = ("\n".join(x[1:].strip() for x in changed if x[0] == s) for s in "-+")
        return self.path, old, new


class _Places(ast.NodeVisitor):
    """Finds what can be changed: start, end and new text, by offsets in the bytes of the file."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self.found: list[tuple[int, int, str]] = []

    def _start(self, node: ast.expr) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.expr) -> str:
        return self._source[self._start(node) : self._end(node)].decode()

    def _swap(self, kind: ast.AST, left: ast.expr, right: ast.expr) -> None:
        if type(kind) not in SWAPS:
            return
        old, new = SWAPS[type(kind)]
        start, end = self._end(left), self._start(right)
        between = self._source[start:end].decode()
        self.found.append((start, end, between.replace(old, new, 1)))

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        for kind, left, right in zip(node.ops, sides, sides[1:], strict=False):
            self._swap(kind, left, right)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._swap(node.op, left, right)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._swap(node.op, node.left, node.right)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            self.found.append((self._start(node), self._end(node), self._text(node.operand)))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self.found.append((self._start(node), self._end(node), str(not node.value)))
        elif isinstance(node.value, int):
            for other in (node.value + 1, node.value - 1):
                self.found.append((self._start(node), self._end(node), str(other)))

    def _branch(self, node: ast.If | ast.IfExp) -> None:
        self.found.append(
            (self._start(node.test), self._end(node.test), f"not ({self._text(node.test)})")
        )
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        self._branch(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._branch(node)

    def visit_Call(self, node: ast.Call) -> None:
        other = {"min": "max", "max": "min", "any": "all", "all": "any"}
        if isinstance(node.func, ast.Name) and node.func.id in other:
            self.found.append((self._start(node.func), self._end(node.func), other[node.func.id]))
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in NO_MATTER:
            self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> None:
        """Leave out types, as below."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for each in (*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body):
            self.visit(each)

    def visit_Raise(self, node: ast.Raise) -> None:
        """Leave out what is said to people, as below."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """See `visit_Raise`."""


def mutants(root: Path, places: Sequence[str]) -> dict[tuple[str, int], list[Mutant]]:
    """Return by file and line what can be changed there."""
    found: dict[tuple[str, int], list[Mutant]] = {}
    files = [
        file for each in places for file in sorted([root / each, *(root / each).rglob("*.py")])
    ]
    for file in files:
        if file.is_dir():
            continue
        source, path = file.read_bytes(), file.relative_to(root).as_posix()
        visitor = _Places(source)
        visitor.visit(ast.parse(source))
        for start, end, new in visitor.found:
            after = (source[:start] + new.encode() + source[end:]).decode()
            line = source[:start].count(b"\n") + 1
            found.setdefault((path, line), []).append(
                Mutant(path=path, before=source.decode(), after=after)
            )
    return found


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


def tests_of(root: Path, path: str) -> list[str]:
    """Return the files of tests that concern a file, those called like it first."""
    places = next(tests for room, tests in PLACES.items() if path.startswith(room))
    files = [file for place in places for file in sorted((root / place).rglob("test_*.py"))]
    words = {*Path(path).stem.split("_"), Path(path).parent.name}
    files.sort(key=lambda file: (file.stem in SLOW, not words & {*file.stem.split("_")}, file))
    return [str(file.relative_to(root)) for file in files]


def passes(root: Path, path: str, limit: float | None) -> bool:
    """Return whether all tests of a file pass; what takes too long does not."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += ["--hypothesis-seed", "0", *tests_of(root, path)]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, timeout=limit, capture_output=True, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def survives(root: Path, mutant: Mutant, limit: float) -> bool:
    """Return whether no test notices."""
    file = root / mutant.path
    try:
        _write(file, mutant.after)
        return passes(root, mutant.path, limit)
    finally:
        _write(file, mutant.before)


def _write(file: Path, text: str) -> None:
    # What is compiled is told by its second and its size, and a mutant may have both of another.
    Path(cache_from_source(file)).unlink(missing_ok=True)
    file.write_text(text, encoding="utf-8")


def limits(root: Path) -> Iterator[tuple[str, float]]:
    """Yield each room and the seconds that its tests may take; all must pass as they are."""
    for room in PLACES:
        began = time.monotonic()
        if not passes(root, room, None):
            sys.exit(f"the tests of {room} fail without any mutant: mend these first")
        yield room, 60 + 4 * (time.monotonic() - began)


def reasons() -> dict[tuple[str, str, str], str]:
    """Return why changes change nothing, as `mutation.toml` says; "": whatever the new text is."""
    told = tomllib.loads(REASONS.read_text(encoding="utf-8")) if REASONS.is_file() else {}
    return {(e["path"], e["old"], e.get("new", "")): e["why"] for e in told.get("equivalent", [])}


def why_same(mutant: Mutant) -> str | None:
    """Return why a change changes nothing; None where nobody says so."""
    known, (path, old, new) = reasons(), mutant.key()
    return known.get((path, old, new), known.get((path, old, "")))


def report(tried: int, survived: Sequence[Mutant], command: str) -> str:
    """Return what came of it in Markdown."""
    same = {id(each): why_same(each) for each in survived}
    missed = [each for each in survived if same[id(each)] is None]
    lines = [
        "# Mutants of the rules of counting and of sets",
        "",
        f"`{command}`: one operator, number or condition of one line changed, {tried} times.",
        f"A test noticed {tried - len(survived)}; {len(survived) - len(missed)} change nothing;",
        f"{len(missed)} survived ({100 * len(missed) / max(tried, 1):.0f} %; aim <= 5 %).",
    ]
    for title, some in (
        ("Survived", missed),
        ("Change nothing", [each for each in survived if same[id(each)] is not None]),
    ):
        lines += ["", f"## {title}"] if some else []
        for each in some:
            place, *changed = each.diff()
            lines += ["", f"{place} {same[id(each)] or ''}".rstrip(), "", "```diff"]
            lines += [*changed, "```"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Try mutants one after the other, and print those that survive as they are found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", help="this file or folder; may be given again")
    parser.add_argument("--first", type=int, default=1, help="go on from this one of them")
    parser.add_argument("--limit", type=float, help="seconds of tests; else they are run first")
    parser.add_argument("--report", action="store_true", help="write reports/mutation.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        root = copied(Path(folder))
        given = drawn(root, asked.only or MUTATED, asked.count, asked.seed)
        limit = dict(limits(root)) if asked.limit is None else dict.fromkeys(PLACES, asked.limit)
        survived: list[Mutant] = []
        for number, mutant in enumerate(given, 1):
            if number < asked.first:
                continue
            room = next(room for room in PLACES if mutant.path.startswith(room))
            if survives(root, mutant, limit[room]):
                survived.append(mutant)
            word = "survived" if survived and survived[-1] is mutant else "noticed"
            print(f"{number} of {len(given)} {word}", *mutant.diff(), sep="\n    ", flush=True)
    command = " ".join(["python benchmarks/mutation.py", *sys.argv[1:]])
    text = report(len(given), survived, command)
    print(text)
    if asked.report:
        (ROOT / "reports" / "mutation.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
