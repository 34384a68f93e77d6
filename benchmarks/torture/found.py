"""What a part of the torture tells: how many things were tried, what was wrong, in which words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts what is tried and prints what is wrong as it comes."""

    part: str
    tried: int = 0
    found: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """What came of things, in a word each: exit codes, verdicts."""

    def add(self, what: str, problems: Iterable[str], end: str = "") -> None:
        """Count one thing, and print it where anything is wrong of it."""
        self.tried += 1
        if end:
            self.ends[end] += 1
        said = "; ".join(problems)
        if said:
            self.found += 1
            print(f"{self.part}: {what}: {said}", flush=True)

    def line(self) -> str:
        """Return how it ended, the most frequent first."""
        return ", ".join(f"{number:,} {end}" for end, number in self.ends.most_common())
