"""A store loses nothing that was committed, belongs to one question, and trusts no file."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from archscope.assertions import Found
from archscope.errors import UsageError
from archscope.studies.sweep.outcomes import Answer, Outcome
from archscope.sweeping.question import Variant
from archscope.sweeping.store import read, writing

QUESTION = {"model": "cnn", "axes": ["depth"], "measures": ["params"], "title": "first"}


def variant(number: int) -> Variant:
    outcome = Outcome(
        place=number, name=f"cnn --depth {number}", values={"depth": number}, wanted=("params",)
    )
    return Variant(place=number, values={"depth": number}, key=f"k{number}", outcome=outcome)


def answer(number: int, **more: Any) -> Answer:
    found = Found(values=(number, Fraction(1, 3)), bound="at least", why="so it is")
    return Answer(analysis="params", found={"params": {"count": found}}, road="r", **more)


def fill(path: Path, first: int, last: int) -> None:
    with writing(path, QUESTION) as store:
        store.plan([variant(number) for number in range(last)])
        for number in range(first, last):
            store.keep(f"k{number}", [answer(number)])


def test_what_is_kept_is_read_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    fill(path, 0, 3)
    kept = read(path)

    assert kept.question == QUESTION
    assert [each.answers for each in kept.outcomes] == [(answer(number),) for number in range(3)]
    assert [each.status for each in kept.outcomes] == ["done"] * 3
    assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_it_is_read_while_it_is_written_and_written_by_one_alone(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with writing(path, QUESTION) as store:
        store.plan([variant(0), variant(1)])
        store.keep("k0", [answer(0)])
        assert [each.status for each in read(path).outcomes] == ["done", "open"]
        with (
            pytest.raises(UsageError, match="another sweep is writing to it"),
            writing(path, QUESTION),
        ):
            pass
    with writing(path, QUESTION) as store:  # free again
        assert set(store.answers()) == {"k0"}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"model": "tcn"}, 'its model is "cnn", not "tcn"'),
        ({"measures": ["rf"]}, "its measures is"),
        ({"sample_rate": "16kHz"}, 'its sample_rate is not given, not "16kHz"'),
    ],
)
def test_another_question_is_refused(tmp_path: Path, other: dict[str, Any], said: str) -> None:
    path = tmp_path / "runs.db"
    fill(path, 0, 1)

    with pytest.raises(UsageError, match=said), writing(path, {**QUESTION, **other}):
        pass
    with writing(path, {**QUESTION, "title": "longer"}):  # the same, of more values
        pass
    assert read(path).question["title"] == "longer"


_WRITER = """
import sys
sys.path.insert(0, {folder!r})
from pathlib import Path
from test_store import QUESTION, answer, variant, writing
with writing(Path(sys.argv[1]), QUESTION) as store:
    store.plan([variant(number) for number in range(5_000)])
    for number in range(5_000):
        store.keep(f"k{{number}}", [answer(number)])
        print(number, flush=True)
"""


def test_a_kill_at_any_moment_loses_no_row(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    code = _WRITER.format(folder=str(Path(__file__).parent))
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(200)][-1]
        os.kill(writer.pid, signal.SIGKILL)
        told = max([told, *map(int, writer.stdout.read().split())])
    done = [each.place for each in read(path).outcomes if each.status == "done"]

    assert done[: told + 1] == list(range(told + 1)), "what was said to be there is there"
    assert len(done) == len({*done})
    with writing(path, QUESTION) as store:  # the lock died with its process
        assert len(store.answers()) == len(done)


FOREIGN = {
    "no SQLite": b"hello",
    "SQLite": b"SQLite format 3\0" + os.urandom(4000),
    "empty header": b"SQLite format 3\0",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_store_is_told_in_a_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(FOREIGN[name])

    for use in (read, lambda p: writing(p, QUESTION).__enter__()):
        with pytest.raises(UsageError) as error:
            use(path)
        assert "\n" not in str(error.value)
    assert path.read_bytes() == FOREIGN[name]


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE variants (a)")
    before = path.read_bytes()

    with pytest.raises(UsageError, match="belongs to another program"):
        read(path)
    with pytest.raises(UsageError, match="belongs to another program"), writing(path, QUESTION):
        pass
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE answers SET found = '{\"params\": 3}'",
        'UPDATE answers SET found = \'{"params": {"count": {"values": ["1/0"]}}}\'',
        'UPDATE answers SET found = \'{"params": {"count": {"values": [NaN]}}}\'',
        "UPDATE answers SET found = x'00ff'",
        "UPDATE variants SET described = '[]'",
        "UPDATE variants SET described = '{\"name\": 3}'",
        "UPDATE question SET value = '{'",
        "DROP TABLE answers; CREATE VIEW answers AS SELECT 1",
        "DROP TABLE answers; CREATE TABLE answers (a)",
        "PRAGMA user_version = 9",
    ],
)
def test_a_spoilt_store_is_no_traceback(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "runs.db"
    fill(path, 0, 2)
    with sqlite3.connect(path) as other:
        other.executescript(spoil)
    other.close()

    with pytest.raises(UsageError):
        read(path)


def test_where_no_file_can_be(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "no" / "x.db", "does not exist"), (tmp_path, "cannot be read")):
        with pytest.raises(UsageError, match=said), writing(path, QUESTION):
            pass
    with pytest.raises(UsageError, match="does not exist"):
        read(tmp_path / "x.db")


def test_names_of_tables_that_are_no_text_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    fill(path, 0, 1)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"CREATE TABLE question", b"CREATE TABLE questio\xbc"))

    with pytest.raises(UsageError, match="is not a store of a sweep"):
        read(path)
    with pytest.raises(UsageError, match="cannot be used as a store"):
        fill(path, 0, 1)
