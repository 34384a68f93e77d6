"""What explains a part of a difference, and sums of parts that explain one to the last digit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from itertools import combinations

from archscope.analyses.audit.evidence import Evidence, Module
from archscope.counting.others import Figures, Tool
from archscope.records import frozen

MOST_PARTS = 12
"""Parts of which sums are tried; their number doubles with each."""


@frozen
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


@frozen
class Comparison:
    """What one tool says of a network, beside what is known of it."""

    tool: Tool
    """Who says it."""
    figures: Figures
    """All that the tool says."""
    theirs: Mapping[str, int]
    """Its multiply-accumulates by path, without what it adds that are none."""
    evidence: Evidence
    """What we know."""
    moved: set[str] = field(default_factory=set)
    """Parts whose work was found in a module around them; filled while modules are explained."""

    def uncounted_parts(self, module: Module) -> dict[str, int]:
        """Return our work of the parts of a module that the tool counts nothing in, by path."""
        return {
            path: part.macs
            for path, part in self.evidence.modules.items()
            if part.macs and not self.theirs.get(path) and is_inside(path, module.path)
        }
