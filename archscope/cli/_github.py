"""What a job of GitHub Actions shows beside its log: a summary, and annotations of files.

Environment variables tell of a job: https://docs.github.com/actions, "Workflow commands". There
these commands are read from stdout; the runner reads stderr in the same way, so that a result on
stdout stays one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from archscope.cli._say import say

_OF_VALUES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_OF_PROPERTIES = _OF_VALUES | str.maketrans({":": "%3A", ",": "%2C"})


def in_job() -> bool:
    """Return whether this is a step of a job."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def annotation(text: str, *, title: str, file: str, line: int) -> str:
    """Return the command that shows an error at a line of a file; 0: at the file.

    >>> annotation("50% over", title="a: b", file="x.toml", line=3)
    '::error file=x.toml,line=3,title=a%3A b::50%25 over'
    """
    properties = {"file": file, "line": str(line) if line else "", "title": title}
    said = ",".join(
        f"{name}={value.translate(_OF_PROPERTIES)}" for name, value in properties.items() if value
    )
    return f"::error {said}::{text.translate(_OF_VALUES)}"


def annotate(commands: Iterable[str]) -> None:
    """Write annotations, of which a page shows the first ten of a step."""
    for command in commands:
        say(command)


def in_repository(path: Path) -> str:
    """Return a path as annotations name it: from the top of the repository."""
    top = os.environ.get("GITHUB_WORKSPACE")
    if top is None:
        return path.as_posix()
    whole, above = Path(os.path.realpath(path)), Path(os.path.realpath(top))
    return whole.relative_to(above).as_posix() if whole.is_relative_to(above) else path.as_posix()


def summarise(markdown: str) -> None:
    """Add Markdown to the page of a job, where there is one; a summary that fails ends nothing."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{markdown}\n")
    except OSError as error:
        say(f"Warning: the job's summary '{path}' cannot be written: {error.strerror}")
