"""Row type and totals of a check: a row for each limit of each budget."""

from __future__ import annotations

from typing import Literal

from archscope.columns import Kind, column
from archscope.records import frozen
from archscope.results import Cases, Outcome, Section
from archscope.studies.check.budgets import Rule

Bound = Literal["", "at least", "at most"]
Value = bool | int | float
"""A number as JSON has it: yes or no, things, positions, seconds, bytes, or a share of 1."""


@frozen
class LimitRow:
    """One limit of a budget, and what was measured."""

    budget: str = column("Budget")
    """The budget's name."""
    model: str = column()
    """What names the network."""
    rule: Rule = column()
    """Where the limit stands: `max`, `min`, `grow`, `assert`."""
    line: int = column()
    """The line of the file on which it stands; 0: on none."""
    measure: str = column("Measure")
    """What is measured, or the condition as it was typed; `network` where there was none to
    measure."""
    kind: Kind = column()
    """How its numbers are read: `count`, `extent` (positions), `seconds`, `bytes`, `ratio` (a share
    of 1), `text` (yes or no)."""
    before: Value | tuple[Value, ...] | None = column(
        "Before", kind="number", read_as="kind", idle="unknown", none="–", drop=2
    )
    """The number in the lock file, or one for each axis; None where it is not compared with one."""
    actual: Value | tuple[Value, ...] | None = column(
        "Actual", kind="number", read_as="kind", bound="bound", none="–"
    )
    """What was measured, or one number for each axis; None where that is unknown."""
    low: Value | None = column(
        "5% … 95%", kind="number", read_as="kind", idle="unknown", none="–", to="high", drop=2
    )
    """Of a measured number that differs from run to run: one run in twenty was less; None of any
    other. What a limit is compared with: it is missed where this and `high` are both beyond it."""
    high: Value | None = column(kind="number", read_as="kind")
    """One run in twenty was more."""
    bound: Bound = column()
    """What the measured number is, where it is no more than a bound."""
    sign: str = column("Must be")
    """How it must compare with the limit, along each axis; empty for a yes or no."""
    limit: Value | None = column("Limit", kind="number", read_as="kind", none="–")
    """What it is compared with; None where there is nothing to compare it with."""
    room: Value | None = column(
        "Room", kind="number", read_as="kind", signed=True, none="–", drop=1
    )
    """How much is left, along the axis with the least; below 0 where the limit is missed. Of a
    number that differs from run to run that of the median."""
    room_share: float | None = column("Of limit", kind="ratio", signed=True, none="–", drop=3)
    """The same as a share of the limit; None where that is 0."""
    outcome: Outcome = column(
        "Verdict",
        words=(
            *(("ok", "OK"), ("missed", "FAIL"), ("unknown", "UNKNOWN"), ("failed", "ERROR")),
            *(("new", "NEW"), ("undecided", "UNDECIDED")),
        ),
    )
    """Whether it holds."""
    why: str = column()
    """Why it is missed, unknown or was not checked, where the numbers do not say it."""


@frozen
class Totals:
    """How many limits there are."""

    limits: int
    """All of them."""
    held: int
    """Those that hold."""
    missed: int
    """Those that do not."""
    unknown: int
    """Those of which that is not known."""
    failed: int
    """Those that nothing could be compared with, since an analysis or the network failed."""
    new: int
    """Those of growth that have nothing to be compared with yet."""
    undecided: int = 0
    """Those that are measured, and that some runs keep and some do not."""


LIMITS = Section(
    analysis="check",
    name="limits",
    row_type=LimitRow,
    totals_type=Totals,
    caption="Limits of each budget, and what was measured",
    cases=Cases(suite="budget", name=("measure", "sign", "limit"), outcome="outcome", detail="why"),
)
