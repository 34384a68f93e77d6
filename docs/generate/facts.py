"""Published figures that are computed again: a page for each subject, from their files."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from archscope.studies.facts.fact import Fact
from archscope.studies.facts.reading import read_folder
from generate.markdown import cited, code, escaped, table

_TITLES = {
    "kv": "KV caches",
    "lora": "LoRA",
    "training-flops": "Training FLOPs",
    "quantised": "Quantised weights",
    "states": "States of optimisers",
}
"""Titles of subjects whose word is none."""


def pages() -> dict[str, str]:
    """Return a page for each subject by its path."""
    return {f"facts/{subject}.md": _page(subject, facts) for subject, facts in _subjects()}


def overview() -> str:
    """Return the table of all subjects."""
    rows = ((f"[{subject}](facts/{subject}.md)", str(len(facts))) for subject, facts in _subjects())
    return table(("subject", ">facts"), rows)


def _subjects() -> list[tuple[str, list[Fact]]]:
    found = groupby(read_folder(), key=lambda fact: fact.subject)
    return [(subject, list(facts)) for subject, facts in found]


def _page(subject: str, facts: list[Fact]) -> str:
    return "\n".join(
        [
            f"# {_TITLES.get(subject, subject.replace('-', ' ').capitalize())}\n",
            f"`archscope facts --only {subject}` recomputes each of these and prints the "
            "error beside it; [how facts are written](../facts.md).\n",
            table(("fact, and what computes it", "claim", ">printed", "source"), _rows(facts)),
        ]
    )


def _rows(facts: Iterable[Fact]) -> Iterable[tuple[str, ...]]:
    for fact in facts:
        claim = escaped(fact.claim) + (f"<br>*{escaped(fact.trap)}*" if fact.trap else "")
        number = fact.printed or f"{fact.value:,.12g}"
        basis = "" if fact.basis == "published" else f" ({fact.basis})"
        yield (
            f"{code(fact.id)}<br>{escaped(str(fact.computes))}",
            claim,
            escaped(f"{number} {fact.unit}".strip()),
            cited(fact.source) + basis,
        )
