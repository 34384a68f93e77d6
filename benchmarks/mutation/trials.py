"""Runs tests in a fork of this process, which has what they import, and records what they run."""

from __future__ import annotations

import ast
import functools
import gc
import importlib
import json
import math
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import Any

# Imported once, for every fork: whatever the tests need that is not mutated.
import fvcore.nn  # noqa: F401
import hypothesis  # noqa: F401
import pytest
import torch  # noqa: F401

PLACES = {"archscope/counting": "tests/counting", "archscope/dependence": "tests/dependence"}
"""What is tested where."""
PYTEST = ("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed", "0",
          "-W", "ignore::pytest.PytestAssertRewriteWarning")  # fmt: skip
ENDLESS_S = 15
"""Seconds, beside twice what it took, after which a test will not end, nor will imports."""
IMPORT = ""
"""What stands for a test where a module is imported."""


@dataclass(frozen=True)
class Ran:
    """What one test did."""

    seconds: float
    """How long it took, slowed down by being recorded."""
    lines: dict[str, list[int]]
    """The lines that it ran, by file."""


Record = Mapping[str, Ran]
"""By test; by file of tests what its shared fixtures did; and what ran at import."""


def room_of(path: str) -> str:
    """Return the room that a file of archscope belongs to."""
    return next(room for room in PLACES if path.startswith(room))


def records(root: Path, folder: Path) -> dict[str, Record]:
    """Return by room what each test runs, from files of the folder or, where it has none, a run."""
    if find_spec("coverage") is None:
        sys.exit("which tests run a line is recorded by coverage: pip install coverage")
    return {room: _record(root, room, folder / f"{Path(room).name}.json") for room in PLACES}


def tests_of(known: Record, path: str, source: str, line: int) -> dict[str, float]:
    """Return the tests that run a line and how long each takes; all where it runs at import."""
    first, last = _statement(source, line)
    running = {
        test for test, ran in known.items()
        if any(first <= each <= last for each in ran.lines.get(path, ()))
    }  # fmt: skip
    files = {test for test in running if test.endswith(".py")}
    return {
        test: ran.seconds for test, ran in known.items()
        if "::" in test
        if IMPORT in running or test in running or test.partition("::")[0] in files
    }  # fmt: skip


def notice(root: Path, path: str, text: str, tests: Mapping[str, float]) -> bool:
    """Return whether one of these tests fails, or takes too long, with this text in a file."""
    file = root / path
    before = file.read_text("utf-8")
    arguments = [*PYTEST, *sorted({test.partition("::")[0] for test in tests})]
    try:
        _write(file, text)
        return _forked(root, lambda: pytest.main(arguments, [_Chosen(tests)])) != 0
    finally:
        _write(file, before)


def _forked(root: Path, task: Callable[[], int]) -> int | None:
    def run() -> None:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        os.chdir(root)
        os.environ["PYTHONPATH"] = str(root)
        sys.path.insert(0, str(root))
        sys.exit(task())

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    return process.exitcode


def _record(root: Path, room: str, file: Path) -> Record:
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.is_file() and _forked(root, lambda: _recorded(root, room, file.absolute())):
        sys.exit(f"tests of {room} fail without any mutant: mend these first")
    return {test: Ran(**told) for test, told in json.loads(file.read_text("utf-8")).items()}


def _recorded(root: Path, room: str, file: Path) -> int:
    import coverage

    measured = coverage.Coverage(data_file=None, config_file=False, source=[str(root / room)])
    measured.start()
    for path in sorted((root / room).rglob("*.py")):
        name = path.relative_to(root).with_suffix("").as_posix().replace("/", ".")
        importlib.import_module(name.removesuffix(".__init__"))
    watch = _Contexts(measured)
    code = pytest.main([*PYTEST, PLACES[room]], [watch])
    measured.stop()
    told = {test: Ran(seconds, {}) for test, seconds in watch.seconds.items()}
    data = measured.get_data()
    for name in data.measured_files():
        path = Path(name).relative_to(root.resolve()).as_posix()
        for line, tests in data.contexts_by_lineno(name).items():
            for test in tests:
                told.setdefault(test, Ran(0.0, {})).lines.setdefault(path, []).append(line)
    if not code:
        file.write_text(json.dumps({test: asdict(ran) for test, ran in told.items()}), "utf-8")
    return code


class _Contexts:
    """Says whose lines are run: a test's, or its file's where a fixture serves several tests.

    What functions keep between calls is forgotten before each test, else the first alone would run
    them.
    """

    def __init__(self, measured: Any) -> None:
        self._switch = measured.switch_context
        self._caches = [
            each for each in gc.get_objects()
            if type(each) is functools._lru_cache_wrapper
            and str(each.__module__).startswith("archscope")
        ]  # fmt: skip
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        for each in self._caches:
            each.cache_clear()
        began = time.perf_counter()
        self._switch(item.nodeid)
        found = yield
        self._switch(IMPORT)
        self.seconds[item.nodeid] = time.perf_counter() - began
        return found

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        test = request._pyfuncitem.nodeid
        self._switch(test if fixturedef.scope == "function" else test.partition("::")[0])
        found = yield
        self._switch(test)
        return found


class _Chosen:
    """Takes some tests out of those collected, and ends the process where one goes on for ever.

    The quick ones come first, else they stay as they stand.
    """

    def __init__(self, tests: Mapping[str, float]) -> None:
        self._tests = tests

    def pytest_sessionstart(self) -> None:
        signal.alarm(ENDLESS_S)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        signal.alarm(ENDLESS_S + math.ceil(2 * self._tests[item.nodeid]))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # By powers of 4, so that tests that share a fixture mostly stay together.
        chosen = [item for item in items if item.nodeid in self._tests]
        items[:] = sorted(chosen, key=lambda x: round(math.log(self._tests[x.nodeid] + 1e-3, 4)))


def _statement(source: str, line: int) -> tuple[int, int]:
    # The first and the last line of the innermost statement, of a compound one's head.
    found = (line, line)
    for node in ast.walk(ast.parse(source)):  # what is within comes later
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno
            if node.lineno <= line <= max(last, node.lineno):
                found = (node.lineno, max(last, node.lineno))
    return found


def _write(file: Path, text: str) -> None:
    # What is compiled is told by its second and its size, and a mutant may have both of another.
    Path(cache_from_source(file)).unlink(missing_ok=True)
    file.write_text(text, encoding="utf-8")
