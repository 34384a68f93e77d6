"""What explains a part of a difference, and sums of parts that explain one to the last digit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from archscope.analyses.audit.evidence import Evidence, Module

MOST_PARTS = 12
"""Parts of which sums are tried; their number doubles with each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What explains a part of a difference."""

    reason: str | None
    """None: nothing was found that does."""
    amount: int
    """Theirs less ours."""
    path: str | None
    """The module in question; None: the whole network."""


def sum_of(parts: Mapping[str, int], amount: int) -> tuple[str, ...] | None:
    """Return the fewest parts that add up to `amount`, None where none do."""
    names = [name for name, value in parts.items() if value]
    for size in range(1, len(names) + 1):
        for chosen in combinations(names, size):
            if sum(parts[name] for name in chosen) == amount:
                return chosen
    return None


def is_inside(path: str, container: str) -> bool:
    return path != container and (not container or path.startswith(f"{container}."))


def uncounted_parts(
    module: Module, theirs: Mapping[str, int], evidence: Evidence
) -> Iterator[tuple[str, Module]]:
    for path, part in evidence.modules.items():
        if not theirs.get(path) and is_inside(path, module.path):
            yield path, part
