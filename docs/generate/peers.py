"""What other counters say, from the measured scoreboard that lies among the reports."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from generate.markdown import code, escaped, folded, table

SCOREBOARD = Path(__file__).parents[2] / "reports" / "scoreboard.json"
_KINDS = ("exact", "adds more", "says unknown", "silent zero", "wrong", "crashed")


@cache
def _measured() -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads(SCOREBOARD.read_text(encoding="utf-8"))
    return found


def standing() -> str:
    """Return how many of all networks each counter tells exactly, and how the others end."""
    every: dict[str, Counter[str]] = defaultdict(Counter)
    for each in _measured()["counts"]:
        every[each["tool"]][each["kind"]] += 1
    versions = _measured()["versions"]
    ordered = sorted(every, key=lambda tool: -every[tool]["exact"])
    rows = (
        (
            escaped(tool),
            escaped(str(versions.get(tool, ""))),
            *(str(every[tool][kind]) for kind in _KINDS),
        )
        for tool in ordered
    )
    return table(("counter", "version", *(f">{kind}" for kind in _KINDS)), rows)


def answers(tool: str) -> str:
    """Return every answer of a counter that is not exact, folded."""
    found = [each for each in _measured()["counts"] if each["tool"] == tool]
    assert found, f"the scoreboard has no counter {tool!r}"
    others = [each for each in found if each["kind"] != "exact"]
    left = sorted({what for each in found for what in each["harm"]})
    exact = len(found) - len(others)
    rows = (
        (escaped(each["case"]), each["kind"], code(_short(each["said"])), code(each["right"]))
        for each in others
    )
    heads = ("network", "verdict", "said", "right")
    title = f"{exact} of {len(found)} networks exact; the other {len(others)}"
    harm = f"What it left modified in some of them: {escaped(', '.join(left))}.\n\n" if left else ""
    return harm + folded(title, table(heads, rows))


def _short(said: str) -> str:
    first = said.splitlines()[0] if said else ""
    return first if len(first) <= 80 else f"{first[:79]}…"
