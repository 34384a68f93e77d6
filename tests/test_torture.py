"""A little of each part of `make torture`, and that it would notice."""

from __future__ import annotations

import os
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import commands
import files
import payloads
import places
import pytest
import running
import specs
import tree
import written
from found import Tally
from furnished import furnish
from running import Trial, outcomes

from archscope.cli import _main


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder with what command lines name, which is the working folder."""
    with TemporaryDirectory() as name:
        made = Path(name).resolve()
        made.chmod(0o755)  # some is tried as a user who owns nothing; pytest's own is shut to all
        with monkeypatch.context() as patched:
            patched.chdir(made)
            furnish(made)
            yield made


@pytest.mark.parametrize(("part", "count"), [(commands, 8), (files, 3)])
def test_nothing_is_found(part: Any, count: int, folder: Path) -> None:
    found = [running.ran(trial) for trial in part.trials(count, seed=5)]

    assert len(found) == count
    assert [each["problems"] for each in found if each["problems"]] == []


@pytest.mark.parametrize(
    ("part", "count"), [("links", 3), ("names", 3), ("disks", 2), ("kills", 1)]
)
def test_files_are_as_they_are_in_the_wild(part: str, count: int, folder: Path) -> None:
    tally = getattr(places, part)(count, 5, folder)

    assert (tally.tried, tally.found) == (count, 0)


def test_names_from_outside_are_harmless_in_every_form(folder: Path) -> None:
    tally = payloads.payloads(2, 5, folder, opens=False)  # tests/browser opens pages

    assert (tally.tried > 4, tally.found) == (True, 0)


def test_random_specs_of_a_family_are_the_same_by_every_road() -> None:
    tally = specs.tried(1, 5, ("tcn", "cnn"))

    assert (tally.tried, tally.found) == (2, 0)


def test_every_command_and_option_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WEIGHTS", "RARE"):  # what takes its time is asked as often as the rest
        monkeypatch.setattr(commands, name, {})
    lines = [trial.command for trial in commands.trials(6_000, seed=0)]
    words = {(line[0], word.partition("=")[0]) for line in lines for word in line if line}
    missed = {
        (name, option.opts[0])
        for name, place in tree.commands().items()
        for option in place.options
        if not any((name, flag) in words for flag in option.opts)
    }

    assert missed == set()
    assert {name for name, _ in words} >= set(tree.commands())


def test_the_report_keeps_a_row_for_each_part(tmp_path: Path) -> None:
    path = tmp_path / "torture.md"
    for part, tried in (("a", 1), ("b", 1), ("a", 2)):
        written.keep(path, row_of(part, tried, first=0))

    assert path.read_text().splitlines()[-2:] == [row_of("a", 2, first=0), row_of("b", 1, first=0)]


def test_a_run_that_goes_on_is_added_to_the_row(tmp_path: Path) -> None:
    path = tmp_path / "torture.md"
    for first, tried in ((0, 1_000), (1_000, 500), (2_000, 1)):
        written.keep(path, row_of("a", tried, first))
        if first == 1_000:
            assert path.read_text().splitlines()[-1] == row_of("a", 1_500, 0, found=2, seconds=4)

    assert path.read_text().splitlines()[-1] == row_of("a", 1, first=2_000)  # what lies between: no


def row_of(part: str, tried: int, first: int, *, found: int = 1, seconds: int = 2) -> str:
    """Return the row of a part in which all ended with a comma."""
    tally = Tally(part, tried, found, Counter({"x 0, the new file": tried}))
    return written.line(part, "a part", tally, Namespace(seed=0, first=first), seconds)


def fails(error: BaseException) -> Callable[[], None]:
    """Return what raises an error."""

    def failing() -> None:
        raise error

    return failing


@pytest.mark.parametrize(
    ("does", "problem"),
    [
        (fails(ValueError("no such luck")), "unforeseen ValueError: no such luck"),
        (fails(SystemExit(7)), "exit code 7"),
        (fails(SystemExit(1)), "no line of error: ''"),
        (lambda: print("\x1b[31m"), "stdout has '\\x1b': '\\x1b[31m\\n'"),
        (lambda: os.environ.update(TORTURED="1"), "the environment is changed"),
    ],
)
def test_it_would_notice(
    does: Callable[[], None], problem: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORTURED", "0")
    monkeypatch.setattr(_main.group, "main", lambda *args, **kwargs: does())

    assert problem in running.ran(Trial(command=("params",)))["problems"]


def test_a_process_that_dies_is_told_and_the_rest_goes_on(folder: Path) -> None:
    deadly = Trial(command=("list",), before=lambda: os._exit(3))
    fine = Trial(command=("list",))

    first, second = outcomes(iter([deadly, fine]), str(folder))

    assert first.problems == ("the process died",)
    assert (second.code, second.problems) == (0, ())
