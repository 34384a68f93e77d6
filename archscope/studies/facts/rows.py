"""Row types and totals of facts: a row for each, and one for each subject."""

from __future__ import annotations

from archscope.columns import column
from archscope.records import frozen
from archscope.results import Cases, Outcome, Section


@frozen
class FactRow:
    """One fact, and the same computed."""

    id: str = column("Fact")
    """What it is called."""
    subject: str = column(idle="empty")
    """What it is about."""
    claim: str = column("Claim", drop=9)
    """What is claimed, in a sentence."""
    value: int | float = column("Published", kind="figure")
    """What is claimed."""
    ours: int | float | None = column("Ours", kind="figure", none="–")
    """What is computed; None where it was not."""
    unit: str = column("Unit")
    """What both numbers are in."""
    error: float | None = column("Error", kind="ratio", signed=True, none="–", drop=1)
    """Relative error: ours over the published, minus 1; None where that is 0 or nothing was
    computed."""
    tolerance: float = column("Within", kind="ratio", drop=2)
    """Relative error up to which it holds."""
    outcome: Outcome = column(
        "Verdict",
        words=(
            *(("ok", "OK"), ("missed", "FAIL"), ("explained", "DIFFERS"), ("failed", "ERROR")),
            *(("skipped", "SKIPPED"), ("unknown", "UNKNOWN"), ("new", "NEW")),
        ),
    )
    """Whether it holds."""
    why: str = column("Why", drop=5, idle="empty")
    """Why it does not hold or was not computed."""
    source: str = column("Source", drop=6)
    """Where it is printed."""
    computes: str = column("Computed by", drop=8)
    """What computes it: a function of `archscope.theory`, or a measure of a network."""
    basis: str = column("Basis", drop=7)
    """Whether it was printed, measured, or follows from something else."""
    trap: str = column("Trap", drop=10, idle="empty")
    """How it is easily got wrong."""


@frozen
class SubjectRow:
    """The facts of one subject."""

    subject: str = column("Subject")
    facts: int = column("Facts", kind="count")
    held: int = column("Hold", kind="count")
    missed: int = column("Missed", kind="count")
    """Those that do not hold, and of which that is unknown."""
    explained: int = column("Differ", kind="count")
    """Those that do not hold for a reason that is known."""
    skipped: int = column("Not computed", kind="count")
    """Those whose network was not built, since nobody asked for that."""
    worst: float | None = column("Largest error", kind="ratio", none="–")
    """Largest relative error of those that hold."""


@frozen
class Totals:
    """How many facts there are."""

    facts: int
    """All that were asked for."""
    held: int
    """Those within their tolerance."""
    missed: int
    """Those that are not."""
    explained: int
    """Those that are not, for a reason that is known."""
    skipped: int
    """Those whose network was not built, since nobody asked for that."""
    failed: int
    """Those that nothing could be computed for."""


FACTS = Section(
    analysis="facts",
    name="facts",
    row_type=FactRow,
    totals_type=Totals,
    caption="Published figures, and the same recomputed",
    cases=Cases(suite="subject", name=("id", "claim"), outcome="outcome", detail="why"),
)
SUBJECTS = Section(
    analysis="facts",
    name="subjects",
    row_type=SubjectRow,
    caption="How many facts of each subject hold",
)
