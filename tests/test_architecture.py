"""The house stands: imports point down, and commands that need no torch import none."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import archscope

PACKAGE = Path(archscope.__file__).parent

FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "records", "version", "labels"}),
    frozenset({"registry", "columns", "files", "assertions"}),
    frozenset({"theory", "specs", "results", "hardware"}),
    frozenset({"subject"}),
    frozenset({"running"}),
    frozenset({"blocks", "counting", "dependence", "timing"}),
    frozenset({"probing"}),
    frozenset({"families", "analyses"}),
    frozenset({"presets"}),
    frozenset({"studies"}),
    frozenset({"saved", "frames", "study", "present"}),
    frozenset({"loaders"}),
    frozenset({"sweeping"}),
    frozenset({"library"}),
    frozenset({"cli", "__init__"}),
    frozenset({"__main__"}),
)
"""From the ground up; rooms on one floor never import each other."""


def floor(room: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if room in rooms)


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def files() -> dict[str, Path]:
    """Return the file of every module of the package, by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


FILES = files()
files_of_the_package = pytest.mark.parametrize("module", FILES)


def imports(source: str) -> Iterator[str]:
    """Yield every module of archscope that a source imports, anywhere in it.

    Those inside functions and those for types alone count too.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield from (each for each in (full, node.module)[full not in FILES :][:1])
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def ours(source: str) -> set[str]:
    return {name for name in imports(source) if name.split(".")[0] == "archscope"}


def violations(room: str, source: str) -> list[str]:
    targets = {name for name in ours(source) if room_of(name) != room}
    return [f"{room} imports {name}" for name in targets if floor(room_of(name)) >= floor(room)]


@files_of_the_package
def test_imports_point_down(module: str) -> None:
    assert violations(room_of(module), FILES[module].read_text(encoding="utf-8")) == []


def test_an_import_that_points_up_would_be_noticed() -> None:
    assert violations("results", "def f():\n    from archscope.cli import main")
    assert violations("present", "import archscope.study")
    assert violations("registry", "if TYPE_CHECKING:\n    from archscope.results import Report")
    assert not violations("cli", "from archscope.results import Report")


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other, directly or in a round."""
    reached = {name: reachable(graph, name) for name in graph}
    groups = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in graph
        if name in reached[name]
    }
    return sorted(map(list, groups))


def reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    left = [start]
    while left:
        new = graph[left.pop()] - found
        found |= new
        left += new
    return found


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {
        name: (ours(path.read_text(encoding="utf-8")) & {*FILES}) - {name}
        for name, path in FILES.items()
    }

    assert circles(graph) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [["b", "c"]], "the test would notice"


@files_of_the_package
def test_no_file_reads_the_private_files_of_another_room(module: str) -> None:
    path = FILES[module]
    room = ".".join(path.parent.relative_to(PACKAGE.parent).parts)
    names = (
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    )
    homes = (name.partition("._")[0] for name in names if re.match(r"archscope\..*\._[a-z]", name))

    assert [home for home in homes if not f"{room}.".startswith(f"{home}.")] == []


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(module) for module in FILES}

    assert {room for room in rooms if not any(room in f for f in FLOORS)} == set()


@files_of_the_package
def test_modules_are_short_and_say_what_they_are_for(module: str) -> None:
    path = FILES[module]
    source = path.read_text(encoding="utf-8")

    assert ast.get_docstring(ast.parse(source)), "the first line says what the module is for"
    assert source.count("\n") <= 420
    assert "utils" not in path.stem
    assert "helpers" not in path.stem


HEAVY = ("torch", "fvcore", "pandas", "plotly", "numpy")


def loaded_by(code: str) -> set[str]:
    """Return which heavy packages a fresh Python has loaded after running `code`."""
    probe = (
        "import contextlib, io, sys\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        + "".join(f"    {line}\n" for line in code.splitlines())
        + f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


LIGHT = {
    "import archscope": "import archscope",
    "a census": (
        "from archscope.families import FAMILIES\n"
        "for family in FAMILIES.all().values():\n"
        "    print(family.census and family.census(family.spec()).macs)"
    ),
    **{
        " ".join(arguments) or "(nothing)": f"from archscope.cli import main; main({arguments!r})"
        for arguments in (
            [],
            ["--help"],
            ["--version"],
            ["params", "--help"],
            ["list"],
            ["list", "--help"],
            ["list", "transformer"],
            ["list", "cnn", "-f", "json"],
            ["list", "presets"],
            ["list", "presets", "-f", "json"],
            ["list", "bert-base-uncased"],
            ["env", "--help"],
            ["report", "--help"],
            ["rf", "--dilations", "1,2,4"],
            ["time", "--help"],
            ["time", "--runs", "0"],
            ["rf", "transformer", "--attention", "window"],
            ["rf", "suggest", "--target", "63"],
            ["params", "--depth", "0"],
            ["params", "--heads", "7"],
            ["params", "-f", "xlsx"],
            ["nonsense"],
        )
    },
}


@pytest.mark.parametrize("name", LIGHT)
def test_what_needs_no_torch_imports_none(name: str) -> None:
    assert loaded_by(LIGHT[name]) == set()


def test_the_probe_would_notice() -> None:
    assert loaded_by("import pandas") >= {"pandas", "numpy"}
    assert "torch" in loaded_by("from archscope.cli import main; main(['env'])")
