"""What is wrong of a command that has run: its code, its words, what it took, what it changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SLOW_S = 10.0
"""Of the processor."""
LARGE_BYTES = 2 << 30
REAL = frozenset(("time", "--time", "--check", "--verify", "--erf", "latency"))
"""Words of a command line that runs networks for real: it takes what these take."""
LONG = REAL | {"--compile", "--workers", "--executor", "--memory-limit", "--built"}
"""Words of one that starts processes, compiles or measures: it may take longer."""
SQLITES = (".db-wal", ".db-shm")
"""What SQLite puts beside a file, also to read it."""
STREAMS = frozenset(("-", "/dev/stdout", "/dev/fd/1"))
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_TRACEBACK = "Traceback (most recent"
_RAISED = re.compile(r"^Error: .* raised \w+", re.M)
_LIBRARYS = re.compile(r"\S+\.py:\d+: \w*Warning: ")


@dataclass(frozen=True)
class Ended:
    """All that is known of a command that has run."""

    command: Sequence[str]
    code: int | None
    out: str
    err: str
    seconds: float
    """Of the processor."""
    peak: int
    """Bytes of memory at the most, beyond what its process held before."""
    changed: Sequence[str] = ()
    """Files that are other than before, or new, or gone."""
    environment: Mapping[str, str] | None = None


def problems(ended: Ended, codes: Sequence[int]) -> Iterator[str]:
    """Yield each thing that is wrong."""
    if ended.code is not None and ended.code not in codes:
        yield f"exit code {ended.code}"
    yield from _words(ended)
    if ended.code:
        yield from _failure(ended)
    if is_json(ended.command) and ended.out and "-h" not in ended.command:
        yield from _json(ended)
    words = {word for part in ended.command for word in re.split("[=,]", part)}
    if ended.seconds > SLOW_S and not LONG & words:
        yield f"took {ended.seconds:.0f} s"
    if ended.peak > LARGE_BYTES and not REAL & words:
        yield f"took {ended.peak / 2**30:.1f} GiB"
    yield from _harm(ended)


def _words(ended: Ended) -> Iterator[str]:
    if _TRACEBACK in ended.err and "--debug" not in ended.command and not is_users(ended.err):
        yield "a traceback"
    library = _LIBRARYS.search(ended.err)
    if library and "careful" not in ended.err:
        yield f"a library's warning: {ended.err[library.start() :][:200]!r}"
    asked = (*ended.command, *(ended.environment or {}).values())
    coloured = "always" in " ".join(asked) or "FORCE_COLOR" in (ended.environment or ())
    for name, text in (("stdout", ended.out), ("stderr", ended.err)):
        found = control(_COLOUR.sub("", text) if coloured else text)
        if found:
            at = max(found.start() - 30, 0)
            yield f"{name} has {found.group()!r}: {text[at : at + 60]!r}"


def is_users(said: str) -> bool:
    """Return whether a traceback is of the user's code, which is shown with its lines alone."""
    return bool(_RAISED.search(said)) and "/archscope/" not in said


def control(text: str) -> re.Match[str] | None:
    """Return the first sign of a text that steers what shows it."""
    return _CONTROL.search(text.replace("\r\n", "\n"))


def _failure(ended: Ended) -> Iterator[str]:
    """A failure is told in one line of stderr, and a usage error prints no result."""
    errors = [line for line in ended.err.splitlines() if line.startswith("Error: ")]
    if ended.code == 130:
        return
    if not errors and "Usage:" not in ended.err and ended.code != 3:
        yield f"no line of error: {ended.err[-200:]!r}"
    if ended.code == 2:
        if len(errors) != 1 and "Usage:" not in ended.err:
            yield f"{len(errors)} errors: {ended.err[:200]!r}"
        if ended.out:
            yield f"a usage error prints {ended.out[:80]!r}"
    for line in () if is_users(ended.err) else ended.err.splitlines():
        if (
            line.startswith(("  ", "Usage:", "Options:", "Try ", "\t"))
            and "Usage:" not in ended.err
        ):
            yield f"more than a line: {line[:100]!r}"
            return


def is_json(command: Sequence[str]) -> bool:
    """Return whether the last form that a command asks for is JSON on stdout."""
    form, target = "", "-"
    for word, after in zip(command, [*command[1:], ""], strict=False):
        name, equals, value = word.partition("=")
        if name in ("-f", "--format"):
            form = value if equals else after
        if name in ("-o", "--output"):
            target = value if equals else after
    if target not in STREAMS or "--show" in command:
        return False
    return form == "json"


def _json(ended: Ended) -> Iterator[str]:
    def refused(word: str) -> Any:
        raise ValueError(f"{word} is no JSON")

    if ended.out.startswith("Usage: "):
        return
    try:
        json.loads(ended.out, parse_constant=refused)
    except ValueError as error:
        yield f"JSON: {error}: {ended.out[:60]!r}"


def _harm(ended: Ended) -> Iterator[str]:
    """Only what the line names is written to, and nothing at all by a usage error."""
    words = " ".join((*ended.command, *(ended.environment or {}).values()))
    for name in ended.changed:
        is_named = name in words or (name.endswith(SQLITES) and name[:-4] in words)
        usual = {"report.html": "report", "archscope.lock": "lock", "plotly.min.js": "directory"}
        is_named |= name in usual and usual[name] in words
        is_named |= name == "linked.json" and "link.json" in words
        if not is_named:
            yield f"{name} is changed"
        elif ended.code == 2 and "--store" not in words and not name.endswith(SQLITES):
            yield f"a usage error writes {name}"
