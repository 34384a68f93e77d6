"""What running a network proves of an answer, and what is missing for more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from archscope.probing.bisection import Mask
from archscope.probing.claims import Claim
from archscope.probing.evidence import Edges, Evidence
from archscope.records import frozen

Level = Literal["verified", "bounded", "refused", "not run"]
RANKED: tuple[Level, ...] = ("verified", "bounded", "not run", "refused")


@frozen
class Shown:
    """What running the network on one input shows of one unit."""

    level: Level
    reason: str
    """What is missing for more, or what contradicts; empty where verified."""
    sizes: tuple[int, ...]
    """Positions of the input."""
    unit: tuple[int, ...]
    """Its place, along the axes of the output along which units differ."""
    local: bool
    """Whether reductions over all positions were held, so that it sees what is left without."""
    edges: tuple[Edges, ...] = ()
    """Along each axis of positions; of a strip, along its long axis."""
    claimed: int = 0
    """Positions that it sees, as the graph says."""
    seen: int = 0
    """Those of them that it was shown to see."""
    graded: int = 0
    """Those that a gradient shows."""
    tried: int = 0
    """Positions that were changed alone."""
    answered: int = 0
    """Those of them that changed the unit."""
    outside: int = 0
    """Positions that the graph says it does not see; changes of all of them left the unit."""
    unseen: int | None = None
    """Those of them that NaN shows it does not see; None where NaN shows nothing."""
    draws: int = 0
    """Draws of weights and inputs."""
    runs: int = 0
    """Forward passes."""


@frozen
class Proof:
    """What running the network says of the answer."""

    level: Level
    reason: str
    """What is missing for more, or what contradicts; empty where verified."""
    gaps: tuple[str, ...]
    """Why some of the answer could not be tried."""
    shown: tuple[Shown, ...]
    """On each input; together they are the answer."""
    seconds: float
    """Time that it took."""
    limit: float
    """Time after which nothing more would have been tried."""


@dataclass(slots=True)
class Asked:
    """What was asked so far."""

    evidence: Evidence | None = None
    """None: nothing yet."""
    draws: int = 0
    """Draws of weights and inputs."""
    runs: int = 0
    """Forward passes."""


def missing(claim: Claim, evidence: Evidence) -> str:
    """Return why what was shown is not all that the graph says; empty where it is."""
    seen = claim.exam.seen(claim.target)
    reasons = []
    if seen is not None and seen.bounded_by is not None:
        operator = claim.exam.graph.nodes[seen.bounded_by].operator
        reasons.append(f"the rule of {operator} on the way is itself a bound")
    if (~claim.mask).any():
        reasons += _missing_outside(~claim.mask & ~evidence.unseen, evidence)
    beyond = int((evidence.graded & ~claim.mask).sum())
    if beyond:
        reasons.append(
            f"there are gradients at {beyond:,} positions outside the set, of which no change is "
            "felt"
        )
    too_many = int((claim.mask & evidence.unseen).sum())
    open_ones = int((claim.mask & ~evidence.seen).sum())
    if too_many:
        reasons.append(
            f"the graph's set is too large: no change and no NaN at {too_many:,} of its positions "
            "is felt"
        )
    elif open_ones:
        reasons.append(f"{open_ones:,} positions of the set were not shown to be seen")
    elif any(edge.changes != edge.graph for edge in evidence.edges):
        reasons.append("changes of its first or last positions alone were not felt, or not tried")
    return "; ".join(reasons)


def _missing_outside(left: Mask, evidence: Evidence) -> Iterator[str]:
    if not evidence.can_be_nan:
        yield "tokens cannot be NaN, so that outside the set only changes were tried"
    elif not evidence.has_nan:
        yield "an operator on the way swallows NaN, so that outside the set only changes were tried"
    elif not evidence.was_nan:
        yield "NaN was not tried"
    elif left.any():
        yield (
            "NaN outside the set reaches the output, which no change does: masks multiply by zero, "
            "and NaN survives that"
        )


def shown_by(claim: Claim, asked: Asked, level: Level, reason: str) -> Shown:
    """Return what was shown of a claim's unit."""
    evidence = asked.evidence
    assert evidence is not None
    outside = ~claim.mask
    return replace(
        not_run(claim, reason),
        level=level,
        edges=evidence.edges,
        claimed=int(claim.mask.sum()),
        seen=int((claim.mask & evidence.seen).sum()),
        graded=int((claim.mask & evidence.graded).sum()),
        tried=int(evidence.tried.sum()),
        answered=int(evidence.answered.sum()),
        outside=int(outside.sum()),
        unseen=int((outside & evidence.unseen).sum()) if evidence.has_nan else None,
        draws=asked.draws,
        runs=asked.runs,
    )


def not_run(claim: Claim, reason: str) -> Shown:
    """Return that nothing was shown, and why."""
    unit = tuple(claim.unit[axis] for axis in sorted(claim.unit))
    return Shown(level="not run", reason=reason, sizes=claim.sizes, unit=unit, local=claim.local)
