"""Finds where something is in a TOML file, since tomllib gives no line numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archscope.errors import UsageError
from archscope.records import frozen

_HEADING = re.compile(r"\s*(?P<open>\[\[?)\s*(?P<name>[^\]]+?)\s*\]")
_FIRST = re.compile(r"[\s\[\"']*(?:tool\s*\.\s*archscope\s*\.\s*)?[\"']?budget\b")
_PART = re.compile(r"\"[^\"]*\"|'[^']*'|[^.\s]+")
_OURS = ("tool", "archscope")


@frozen
class Source:
    """A file of budgets."""

    name: str
    """What an error calls it."""
    text: str = ""
    """All of it; empty: what it says came from elsewhere."""

    def error(self, problem: str, *place: int | str) -> UsageError:
        """Return an error that names the file and the line of a place; see `line`."""
        where = f"{self.name}, line {self.line(*place)}" if self.text else self.name
        return UsageError(f"{where}: {problem}")

    def line(self, *place: int | str) -> int:
        """Return the line of a budget by its number from 0, or of a key within it; 0: not known.

        What stands within a value, as in an inline table, is found by its last word.
        """
        number, *given = place or (0,)
        keys = [_folded(str(key)) for key in given]
        whole = [each for each in _lines(self.text) if each[1] == number]
        best = (0, whole[0][0]) if whole else (0, self._first())
        for line, _, path, value in whole:
            known = _shared(path, keys)
            if known < min(len(path), len(keys)):
                continue
            known += sum(part in _folded(value) for part in keys[known:])
            best = max(best, (known, line), key=lambda each: each[0])
        return best[1]

    def _first(self) -> int:
        """Return the first line that speaks of budgets: all may stand in one inline list."""
        lines = enumerate(self.text.splitlines(), start=1)
        return next((number for number, line in lines if _FIRST.match(line)), 1)


def _folded(text: str) -> str:
    return text.replace("-", "_")


def _shared(path: Sequence[str], keys: Sequence[str]) -> int:
    """Return how many parts a path and keys begin with alike."""
    same = 0
    for part, key in zip(path, keys, strict=False):
        if part != key:
            break
        same += 1
    return same


def _lines(text: str) -> Iterator[tuple[int, int, tuple[str, ...], str]]:
    """Yield each line of a budget: its number, the budget's, the path of its key, what follows."""
    budget = -1
    table: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        heading = _HEADING.match(line)
        if heading is not None:
            table = path = _parts(heading["name"])
            is_one = table == ("budget",) and heading["open"] == "[["
            budget += is_one
        elif table[:1] == ("budget",):
            before, equals, after = line.partition("=")
            if equals and _is_key(before):
                path = (*table, *_parts(before))
                line = after
        if table[:1] == ("budget",) and line.strip():
            yield number, budget, path[1:], "" if heading else line


def _is_key(text: str) -> bool:
    return re.fullmatch(r"\s*(?:[\w.-]|\"[^\"]*\"|'[^']*'|\s)+", text) is not None


def _parts(text: str) -> tuple[str, ...]:
    """Return the parts of a dotted key, without the tables that pyproject.toml puts around ours."""
    parts = tuple(_folded(part.strip("\"'")) for part in _PART.findall(text))
    return parts[2:] if parts[:2] == _OURS else parts
