"""The house stands: imports point down, and commands that need no torch import none."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import archscope

PACKAGE = Path(archscope.__file__).parent

FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors"}),
    frozenset({"version"}),
    frozenset({"registry", "files", "columns"}),
    frozenset({"theory", "specs", "results", "hardware"}),
    frozenset({"subject", "running"}),
    frozenset({"blocks", "counting", "dependence", "timing"}),
    frozenset({"probing"}),
    frozenset({"families", "analyses"}),
    frozenset({"presets", "saved", "frames"}),
    frozenset({"loaders", "study", "present"}),
    frozenset({"beside"}),
    frozenset({"library"}),
    frozenset({"cli", "__init__"}),
    frozenset({"__main__"}),
)
"""From the ground up; rooms on one floor never import each other."""

DOORS = {("theory", "errors")}


def floor(room: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if room in rooms)


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports(source: str) -> Iterator[str]:
    """Yield every archscope module that a source imports, anywhere in it."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            inside = node.module.split(".")[0] == "archscope"
            yield from (names if node.module == "archscope" else [node.module] if inside else [])
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "archscope")


def for_types_alone(source: str) -> set[str]:
    """Return the modules that a source imports under `if TYPE_CHECKING` only."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            found |= set(imports("\n".join(map(ast.unparse, node.body))))
    return found


def violations(room: str, source: str) -> list[str]:
    up = []
    for module in imports(source):
        target = room_of(module)
        if target == room or module in for_types_alone(source):
            continue
        if floor(target) >= floor(room):
            up.append(f"{room} imports {module}")
    return up


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    relative = path.relative_to(PACKAGE)
    room = relative.parts[0].removesuffix(".py")

    assert violations(room, path.read_text(encoding="utf-8")) == []


def test_an_import_that_points_up_would_be_noticed() -> None:
    assert violations("results", "def f():\n    from archscope.cli import main")
    assert violations("present", "import archscope.study")
    assert not violations("cli", "from archscope.results import Report")


def test_every_room_has_a_floor() -> None:
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in modules()}

    assert {room for room in rooms if not any(room in f for f in FLOORS)} == set()


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_are_short_and_say_what_they_are_for(path: Path) -> None:
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
