"""A sweep in a SQLite file with one writer: an answer is either stored for good or absent.

Write-ahead log and `synchronous=NORMAL`: what was committed survives the end of any process, by
whatever signal; a power cut can take the last answers, never the file (sqlite.org/wal.html). A file
belongs to one question: one network, the same axes and measures, however many values an axis has.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from math import isinf
from pathlib import Path
from typing import Any, NoReturn

from archscope.errors import OutputError, UsageError
from archscope.records import frozen
from archscope.results import plain
from archscope.studies.sweep.outcomes import Answer, Outcome, of_json, to_json
from archscope.sweeping.question import Variant

_APPLICATION = 0x61726373
"""What SQLite keeps in a file to say whose it is: `arcs`."""
_FORMAT = 1
"""Version of the tables."""
_TABLES = """
CREATE TABLE question (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE variants (
    id TEXT PRIMARY KEY, place INTEGER NOT NULL, key TEXT NOT NULL, described TEXT NOT NULL
);
CREATE TABLE answers (
    key TEXT NOT NULL, analysis TEXT NOT NULL, road TEXT NOT NULL, reason TEXT NOT NULL,
    found TEXT NOT NULL, PRIMARY KEY (key, analysis)
);
"""
_DAMAGED = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite, or Python of its texts, says of a file that is damaged."""
_PATIENCE_S = 30
"""How long a lock of a reader is waited for."""


@frozen
class Kept:
    """What a file holds."""

    question: Mapping[str, Any]
    """What was asked, as `Question.kept` and the axes say it."""
    outcomes: tuple[Outcome, ...]
    """Every variant that was planned, answered or not."""


class File:
    """A store that is open for writing, by this process alone; closed by `with`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    def plan(self, variants: Sequence[Variant]) -> None:
        """Take note of every variant, so that a reader knows what is still to come."""
        rows = [
            (_id(each), each.place, each.key, json.dumps(_described(each.outcome)))
            for each in variants
        ]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO variants VALUES (?, ?, ?, ?)", rows)

    def answers(self) -> Mapping[str, Mapping[str, Answer]]:
        """Return what is known already, of each variant by its key."""
        try:
            return _answers(self._connection, self._path)
        except _DAMAGED as error:
            raise UsageError(f"{self._path} cannot be used as a store: {error}") from None

    def keep(self, key: str, found: Iterable[Answer]) -> None:
        """Commit what was found of a variant."""
        rows = [(key, a.analysis, a.road, a.reason, json.dumps(to_json(a))) for a in found]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", rows)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._connection:
                yield self._connection
        except sqlite3.Error as error:
            raise OutputError(f"'{self._path}' cannot be written: {error}") from None


@contextmanager
def writing(path: Path, question: Mapping[str, Any]) -> Iterator[File]:
    """Open a file for the answers to a question, or make it; no other process writes meanwhile.

    Raises `UsageError` where another sweep is writing, where the file is none of a sweep, or where
    it belongs to another question.
    """
    if not path.parent.is_dir():
        raise UsageError(f"--store {path}: directory '{path.parent}' does not exist")
    if path.exists() and (not path.is_file() or path.stat().st_size):
        _check_header(path)
    try:
        with _locked(path), closing(sqlite3.connect(path, timeout=_PATIENCE_S)) as connection:
            _prepare(connection, path, question)
            yield File(path, connection)
    except OSError as error:
        raise UsageError(f"--store {path}: {error.strerror or error}") from None


def _prepare(connection: sqlite3.Connection, path: Path, question: Mapping[str, Any]) -> None:
    """Make the tables where there are none, and compare the question with the one that is there."""
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            connection.execute("PRAGMA journal_mode = WAL")
            with connection:
                connection.executescript(
                    f"BEGIN; {_TABLES} PRAGMA application_id = {_APPLICATION};"
                    f" PRAGMA user_version = {_FORMAT};"
                )
                _put(connection, question)
        connection.execute("PRAGMA synchronous = NORMAL")
        _check_tables(connection, path)
        _check_question(_question(connection, path), plain(question), path)
        with connection:
            _put(connection, question)
    except _DAMAGED as error:
        raise UsageError(f"{path} cannot be used as a store: {error}") from None


def _put(connection: sqlite3.Connection, question: Mapping[str, Any]) -> None:
    rows = [(name, json.dumps(plain(value))) for name, value in question.items()]
    connection.executemany("INSERT OR REPLACE INTO question VALUES (?, ?)", rows)


def _check_question(kept: Mapping[str, Any], asked: Mapping[str, Any], path: Path) -> None:
    for name in (*asked, *kept):
        if name != "title" and kept.get(name) != asked.get(name):
            raise UsageError(
                f"{path} belongs to another question: its {name} is {_shown(kept.get(name))}, not "
                f"{_shown(asked.get(name))}. Give another file, or ask the same"
            )


def _shown(value: Any) -> str:
    text = "not given" if value is None else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def read(path: Path) -> Kept:
    """Return what a file holds, also while a sweep writes to it; raises `UsageError`."""
    if not path.is_file():
        raise UsageError(f"'{path}' does not exist")
    _check_header(path)
    try:
        try:
            return _read(path, "mode=ro")
        except sqlite3.OperationalError as error:  # in a folder that takes no new files
            if os.access(path.parent, os.W_OK):
                raise error
            return _read(path, "immutable=1")
    except _DAMAGED as error:
        raise UsageError(f"{path} is not a store of a sweep: {error}") from None


def _read(path: Path, how: str) -> Kept:
    address = f"{path.resolve().as_uri()}?{how}"
    with closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE_S)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("BEGIN")  # one state of it, whatever is written meanwhile
        _check_tables(connection, path)
        known = _answers(connection, path)
        rows = connection.execute("SELECT place, key, described FROM variants ORDER BY place, id")
        found = tuple(
            replace(_outcome(place, text, path), answers=tuple(known.get(key, {}).values()))
            for place, key, text in rows
        )
        return Kept(question=_question(connection, path), outcomes=_told_apart(found))


def _told_apart(outcomes: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """Return outcomes of which each has a place of its own, by which all else knows it.

    Several sweeps that wrote to one file each began to count at 0.
    """
    if len({each.place for each in outcomes}) == len(outcomes):
        return outcomes
    return tuple(replace(each, place=place) for place, each in enumerate(outcomes))


def _check_header(path: Path) -> None:
    """Raise `UsageError` for what is no SQLite at all, before SQLite looks at it."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise UsageError(f"'{path}' cannot be read: {error.strerror}") from None
    if start != b"SQLite format 3\0":
        raise UsageError(f"{path} is not a store of a sweep: it is not an SQLite file")


def _check_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `UsageError` where a file is another program's, or of another version."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    kinds = dict(connection.execute("SELECT name, type FROM sqlite_master WHERE sql IS NOT NULL"))
    expected = dict.fromkeys(("question", "variants", "answers"), "table")
    if application != _APPLICATION or (version == _FORMAT and kinds != expected):
        raise UsageError(f"{path} is not a store of a sweep; it belongs to another program")
    if version != _FORMAT:
        raise UsageError(f"{path} is a store of version {version}; this archscope reads {_FORMAT}")


def _question(connection: sqlite3.Connection, path: Path) -> dict[str, Any]:
    rows = connection.execute("SELECT name, value FROM question")
    return {name: _json(text, path) for name, text in rows}


def _answers(connection: sqlite3.Connection, path: Path) -> Mapping[str, dict[str, Answer]]:
    known: dict[str, dict[str, Answer]] = {}
    rows = connection.execute("SELECT key, analysis, road, reason, found FROM answers")
    for key, analysis, road, reason, text in rows:
        try:
            found = of_json(_json(text, path))
        except ValueError as error:
            raise UsageError(f"{path} holds {error}") from None
        answer = Answer(analysis=str(analysis), road=str(road), reason=str(reason), found=found)
        known.setdefault(key, {})[answer.analysis] = answer
    return known


def _json(text: Any, path: Path) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (TypeError, ValueError, RecursionError):
        raise UsageError(f"{path} is damaged: it holds what is not JSON") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError(f"{text} is out of range")
    return number


def _id(variant: Variant) -> str:
    """Return what tells a variant from others by its values, whatever network they make."""
    return json.dumps(plain(dict(variant.outcome.values)), sort_keys=True)


def _described(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "values": plain(dict(outcome.values)),
        "fields": plain(dict(outcome.fields)),
        "refused": outcome.refused,
        "wanted": list(outcome.wanted),
        "free": outcome.free,
    }


def _outcome(place: Any, text: Any, path: Path) -> Outcome:
    told = _json(text, path)
    known = {"name": str, "values": dict, "fields": dict, "refused": str, "wanted": list}
    known["free"] = str
    is_sound = isinstance(told, dict) and isinstance(place, int)
    if not is_sound or any(not isinstance(told.get(n), type_) for n, type_ in known.items()):
        raise UsageError(f"{path} is damaged: it contains an invalid variant")
    return Outcome(
        place=place,
        name=told["name"],
        values=told["values"],
        fields=told["fields"],
        refused=told["refused"],
        wanted=tuple(map(str, told["wanted"])),
        free=told["free"],
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep a file for this process while it writes; the system frees it when the process ends."""
    try:
        import fcntl
    except ImportError:  # there, two sweeps do the same work twice, and no row is there twice
        yield
        return
    # SQLite locks ranges of bytes (fcntl); this lock of the whole file (flock) is another one.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                f"{path}: another sweep is writing to it; archscope sweep --show {path} reads it "
                "meanwhile"
            ) from None
        yield
    finally:
        os.close(descriptor)
