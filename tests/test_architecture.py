"""The house stands: imports point down, and commands that need no torch import none."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import archscope

PACKAGE = Path(archscope.__file__).parent

FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"amounts", "errors", "garbage", "records", "version", "labels"}),
    frozenset({"registry", "columns", "files", "assertions", "progress", "stored"}),
    frozenset({"theory", "specs", "results", "hardware", "folding"}),
    frozenset({"subject"}),
    frozenset({"running"}),
    frozenset({"blocks", "counting", "dependence", "timing"}),
    frozenset({"probing", "training", "decoding"}),
    frozenset({"families"}),
    frozenset({"analyses"}),
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
SOURCES = {module: path.read_text(encoding="utf-8") for module, path in FILES.items()}


@cache
def parsed(source: str) -> ast.Module:
    return ast.parse(source)


@cache
def imported(source: str) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """Return every import of a source: those inside functions and for types alone count too."""
    nodes = statements(parsed(source))
    return tuple(node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements within one, as deep as they are; expressions hold none."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for each in getattr(node, field, ()):
            yield each
            yield from statements(each)


def imports(source: str) -> Iterator[str]:
    """Yield every module of archscope that a source imports, anywhere in it."""
    for node in imported(source):
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


def test_imports_point_down() -> None:
    found = {module: violations(room_of(module), source) for module, source in SOURCES.items()}

    assert {module: wrong for module, wrong in found.items() if wrong} == {}


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
    graph = {name: (ours(source) & {*FILES}) - {name} for name, source in SOURCES.items()}

    assert circles(graph) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [["b", "c"]], "the test would notice"


def trespasses(room: str, source: str) -> list[str]:
    """Return the rooms whose private files a source of another room reads."""
    names = (
        f"{node.module}.{alias.name}"
        for node in imported(source)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    )
    homes = (name.partition("._")[0] for name in names if re.match(r"archscope\..*\._[a-z]", name))
    return [home for home in homes if not f"{room}.".startswith(f"{home}.")]


def test_no_file_reads_the_private_files_of_another_room() -> None:
    found = {
        module: trespasses(".".join(path.parent.relative_to(PACKAGE.parent).parts), SOURCES[module])
        for module, path in FILES.items()
    }

    assert {module: homes for module, homes in found.items() if homes} == {}
    assert trespasses("archscope.cli", "from archscope.present._format import safe_label")


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(module) for module in FILES}

    assert {room for room in rooms if not any(room in f for f in FLOORS)} == set()


def test_modules_are_short_and_say_what_they_are_for() -> None:
    silent = [name for name, source in SOURCES.items() if not ast.get_docstring(parsed(source))]
    assert silent == [], "the first line says what the module is for"
    assert [name for name, source in SOURCES.items() if source.count("\n") > 420] == []
    assert [name for name, path in FILES.items() if re.search("utils|helpers", path.stem)] == []


HEAVY = ("torch", "fvcore", "pandas", "plotly", "numpy")


def loaded_by(*codes: str) -> list[set[str]]:
    """Return which heavy packages a fresh Python has loaded after it ran each, one by one."""
    probe = (
        "import contextlib, io, sys\n"
        f"for code in {codes!r}:\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "        exec(code, {})\n"
        f"    print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60
    )
    return [set(line.split()) for line in done.stdout.splitlines()]


REPORTS = PACKAGE.parent / "reports"
SAVED = [str(REPORTS / name) for name in ("gpt2-12.json", "gpt2-24.json")]
LIGHT = {
    "import archscope": "import archscope",
    "a census": (
        "from archscope.families import FAMILIES\n"
        "for family in FAMILIES.all().values():\n"
        "    print(family.census and family.census(family.spec()).macs)"
    ),
    "params of files of weights": (
        "import contextlib, pathlib, tempfile\n"
        "from archscope.cli import main\n"
        "from tests.stored.written import gguf, safetensors\n"
        "folder = pathlib.Path(tempfile.mkdtemp())\n"
        "path = safetensors(folder / 'a.safetensors', {'a.weight': ('F32', (2, 2))})\n"
        "other = gguf(folder / 'a.gguf', {}, {'a.weight': (0, 16, (2, 2))})\n"
        "for name in (path, other):\n"
        "    with contextlib.suppress(SystemExit):\n"
        "        main(['params', name])\n"
    ),
    **{
        " ".join(each.removeprefix(f"{REPORTS}/") for each in arguments)
        or "(nothing)": f"from archscope.cli import main; main({arguments!r})"
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
            ["list", "measures"],
            ["list", "formulas"],
            ["list", "presets", "-f", "json"],
            ["list", "bert-base-uncased"],
            ["env", "--help"],
            ["report", "--help"],
            ["sweep", "--help"],
            ["sweep", "--depth", "1:2", "--where", "x > 1"],
            ["compare", "--help"],
            ["compare", *SAVED, "--by", "module"],
            ["compare", *SAVED, "--fail-on", "params:+1%", "-f", "md"],
            ["rf", "--dilations", "1,2,4"],
            ["time", "--help"],
            ["check", "--help"],
            ["facts", "--help"],
            ["facts", "--only", "kv", "--only", "states"],
            ["scaling", "qwen3-30b-a3b", "--tokens", "36T", "--compute", "1e24"],
            ["lock", "--help"],
            ["kv", "deepseek-v3", "--gpu", "h100", "--runtime", "vllm"],
            ["kv", "bert-base-uncased"],
            ["time", "--runs", "0"],
            ["rf", "transformer", "--attention", "window"],
            ["rf", "suggest", "--target", "63"],
            [
                "plan",
                "deepseek-v3",
                "--gpu",
                "h800",
                "--gpus",
                "64",
                "--pp",
                "4",
                "--max",
                "seq-len",
            ],
            ["plan", "resnet50", "--gpu", "a100", "--mfu", "0.4"],
            ["search", "--help"],
            ["search", "cnn", "--depth", "2:4", "--where", "rf > 9", "--no-verify"],
            ["params", "--depth", "0"],
            ["params", "--heads", "7"],
            ["params", "-f", "xlsx"],
            ["nonsense"],
        )
    },
}


def test_what_needs_no_torch_imports_none() -> None:
    loaded = loaded_by(*LIGHT.values())

    # Once loaded is loaded: the first that is named here is the one that did it.
    assert [each for each in zip(LIGHT, loaded, strict=True) if each[1]] == []


def test_the_probe_would_notice() -> None:
    none, numpy = loaded_by("import json", "import numpy")
    assert none == set()
    assert numpy == {"numpy"}
