"""Holds counters and tools for receptive fields, archscope among them, against what is right.

    python benchmarks/scoreboard                          all; writes reports/scoreboard.*
    python benchmarks/scoreboard --tool fvcore --tool archscope -o /tmp/scores

Every tool is called as its users call it, on every case in a process of its own with a time limit.
It needs an environment that has the tools: `make scoreboard` makes one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from cases import cases
from counters import COUNTERS
from fields import SEERS
from pages import Scores, as_html, as_json, as_markdown
from verdicts import Verdict, of_count, of_field

from archscope.version import __version__

SECONDS = 60.0
HERE = Path(__file__).parent


def answers(kind: str, tool: str, environment: str) -> Iterator[dict[str, Any]]:
    """Yield what a tool answers, as its process prints it."""
    command = [sys.executable, "-W", "ignore", str(HERE / "worker.py"), kind, tool, environment]
    with subprocess.Popen([*command, str(SECONDS)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)


def counted(tools: Sequence[str], environment: str) -> Iterator[Verdict]:
    """Yield the verdicts on counts, tool by tool."""
    right = {case.name: case for case in cases()}
    for tool in tools:
        for answer in answers("counts", tool, environment):
            case = right[answer["case"]]
            yield of_count(tool, answer, case.macs, case.params, published=case.published)
        print(f"{tool}: done", file=sys.stderr, flush=True)


def looked_at(tools: Sequence[str], environment: str) -> Iterator[Verdict]:
    """Yield the verdicts on receptive fields, tool by tool."""
    for tool in tools:
        yield from (of_field(tool, answer) for answer in answers("fields", tool, environment))
        print(f"{tool}, fields: done", file=sys.stderr, flush=True)


def versions(environment: str) -> dict[str, str]:
    """Return the version of each tool, those that are not installed left out."""
    found = {"archscope": __version__}
    for name, counter in COUNTERS.items():
        places = [str(Path(environment) / counter.target)] if counter.target else sys.path
        for package in distributions(name=counter.package, path=places):
            found[name] = package.version
    return found


def main() -> None:
    """Ask all tools and write the three reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tool", action="append", help="this one; may be given again")
    parser.add_argument("--environment", default=sys.prefix, help="where tools of one name lie")
    parser.add_argument(
        "-o", "--output", default=str(HERE.parents[1] / "reports"), metavar="FOLDER"
    )
    options = parser.parse_args()
    wanted = options.tool or list(COUNTERS)
    scores = Scores(
        counts=tuple(counted([tool for tool in COUNTERS if tool in wanted], options.environment)),
        fields=tuple(looked_at([tool for tool in SEERS if tool in wanted], options.environment)),
        versions=versions(options.environment),
    )
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    for ending, text in (("md", as_markdown), ("json", as_json), ("html", as_html)):
        (folder / f"scoreboard.{ending}").write_text(text(scores))
    print(as_markdown(scores))


if __name__ == "__main__":
    main()
