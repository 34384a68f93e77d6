"""What running a network proves of an answer, and what is missing for more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from archscope.dependence.answer.receptive import Receptive
from archscope.dependence.sets.lines import Line
from archscope.probing.axes import AxesEvidence, AxisShown
from archscope.probing.bisection import Mask, box
from archscope.probing.claims import Claim
from archscope.probing.evidence import Edges, Evidence
from archscope.probing.outputs import OutputsEvidence
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
    is_own: bool
    """Whether it is the network's own output, where the answer is also of a map before it."""
    axes: tuple[AxisShown, ...] = ()
    """The input's axes that are none of positions."""
    strays: tuple[int, ...] = ()
    """Those of them along which outputs see other places all the same; features are meant to."""
    outputs: int | None = None
    """Units of the output; None where there are none, or what each sees is not told."""
    blind: int = 0
    """Those of them that see nothing, as the graph says; none answered to a change of all."""
    silent: int = 0
    """Those of the others that answered to no change."""
    watched: int = 0
    """Positions that were changed alone while all units were watched: none answered that, as the
    graph says, does not see them."""
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
    axes: AxesEvidence | None = None
    outputs: OutputsEvidence | None = None
    draws: int = 0
    """Draws of weights and inputs."""
    runs: int = 0
    """Forward passes."""

    @property
    def is_done(self) -> bool:
        """Whether another draw could show no more."""
        known = self.evidence is not None and self.evidence.is_done
        return known and (self.outputs is None or not self.outputs.silent)


def misprinted(claim: Claim, found: Receptive) -> str:
    """Return that the numbers of the answer are not those of the set that was tried."""
    target = found.target
    if claim.exam is not found.best or claim.unit != target.field.typical or claim.is_own:
        return ""
    if target.field.sizes != claim.sizes or target.field.value != claim.target:
        return ""
    if claim.local != found.best.without_reductions(claim.target):
        return ""
    count = int(claim.mask.sum())
    edges, windows = box(claim.mask), [line.hulls[1] for line in target.field.lines]
    if target.touched not in (None, count):
        return f"the answer counts {target.touched:,} positions, and the unit sees {count:,}"
    if any(last - first >= window for (first, last), window in zip(edges, windows, strict=True)):
        return "the unit sees further than the window of the answer"
    return ""


def outgrown(claim: Claim, found: Receptive) -> str:
    """Return that some unit sees more than the window of the answer; empty where none does."""
    if claim.is_own:
        return ""
    for line in found.target.field.lines:
        most, window = _most(line, line.hulls[1]), line.hulls[1]
        if most > window:
            return f"another unit sees {most:,} positions, of a window of {window:,}"
    return ""


def _most(line: Line, window: int) -> int:
    """Return how many positions the unit sees that sees most, of those wider than a window."""
    _, places = np.unique(line.kinds, return_index=True)
    wider = places[line.widths[places] > window]
    return max((line.seen(unit).bit_count() for unit in wider.tolist()), default=0)


def stray(claim: Claim, axes: AxesEvidence) -> str:
    """Return that outputs see several places along an axis that is none of positions; empty where
    they do not."""
    strays = axes.strays
    if not strays:
        return ""
    shape = "×".join(map(str, claim.exam.seed.shape))
    one = next(each for each in axes.shown if each.axis == strays[0])
    if one.taken_for == "features":
        why = "can be of any size, and those of positions cannot"
    else:
        why = "is mixed: an output sees other places along it than its own"
    counted = strays if sees_one(claim) else sorted((*claim.exam.axes, *strays))
    return (
        f"axis {one.axis} of the {shape} input, taken for {one.taken_for}, {why}; with "
        f"--axes {','.join(map(str, counted))} its places are counted as positions"
    )


def sees_one(claim: Claim) -> bool:
    """Return whether its unit is said to see one position alone."""
    return int(claim.mask.sum()) == 1


def missing(claim: Claim, asked: Asked) -> str:
    """Return why what was shown is not all that the graph says; empty where it is."""
    evidence, axes, outputs = asked.evidence, asked.axes, asked.outputs
    assert evidence is not None
    seen = claim.exam.seen(claim.target)
    reasons = []
    if claim.instead_of is not None:
        tried, given = ("×".join(map(str, each)) for each in (claim.sizes, claim.instead_of))
        reasons.append(f"an input of {given} takes too long to run, and one of {tried} was tried")
    if axes is not None and not axes.is_known:
        reasons.append("whether rows of the batch are apart was not tried")
    if outputs is not None and outputs.silent:
        reasons.append(
            f"{outputs.silent:,} outputs that see something, as the graph says, answered to no "
            "change"
        )
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
    return "; ".join((*reasons, *_missing_inside(claim.mask, evidence)))


def _missing_inside(mask: Mask, evidence: Evidence) -> Iterator[str]:
    """Yield why positions of the set were not shown to be seen, the gravest alone."""
    too_many = int((mask & evidence.unseen).sum())
    open_ones = int((mask & ~evidence.seen).sum())
    faint = int(evidence.faint.sum())
    if faint:
        yield (
            f"what is read at {faint:,} of its positions may cancel: there is no gradient, and a "
            "change is felt no more than rounding is"
        )
    elif too_many:
        yield (
            f"the graph's set is too large: no change and no NaN at {too_many:,} of its positions "
            "is felt"
        )
    elif open_ones:
        yield f"{open_ones:,} positions of the set were not shown to be seen"
    elif any(edge.changes != edge.graph for edge in evidence.edges):
        yield "changes of its first or last positions alone were not felt, or not tried"


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
            "sums of transforms cancel, and NaN survives both"
        )


def shown_by(claim: Claim, asked: Asked, level: Level, reason: str) -> Shown:
    """Return what was shown of a claim's unit."""
    evidence, axes, outputs = asked.evidence, asked.axes, asked.outputs
    assert evidence is not None
    outside = ~claim.mask
    return replace(
        not_run(claim, reason),
        level=level,
        axes=() if axes is None else axes.shown,
        strays=() if axes is None else axes.strays,
        outputs=None if outputs is None or outputs.seeing is None else outputs.seeing.size,
        blind=0 if outputs is None or outputs.seeing is None else int((~outputs.seeing).sum()),
        silent=0 if outputs is None else outputs.silent,
        watched=0 if outputs is None else outputs.watched,
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
    return Shown(
        level="not run",
        reason=reason,
        sizes=claim.sizes,
        unit=unit,
        local=claim.local,
        is_own=claim.is_own,
    )
