"""Row types and totals of the audit analysis."""

from __future__ import annotations

from archscope.columns import column
from archscope.records import frozen
from archscope.results import Section

UNEXPLAINED = "not explained"
"""The reason of what is left over."""


@frozen
class ToolRow:
    """One counter and what it says of the network."""

    tool: str = column("Counter")
    """What people call it."""
    version: str | None = column("Version", drop=2)
    """None where it is not installed."""
    params: int | None = column("Params", kind="count", none="–")
    """Parameters, in the tool's own sense."""
    params_ratio: float | None = column("Params %", kind="ratio", none="–", drop=1)
    """The same as a share of ours."""
    macs: int | None = column("MACs", kind="count", none="–")
    """Multiply-accumulates of one forward pass, converted from what the tool gives."""
    macs_ratio: float | None = column("MACs %", kind="ratio", none="–")
    """The same as a share of ours."""
    state: str = column("What it counts")
    """How its number was converted; where it gave none, why."""
    counted: bool = column()
    """Whether it gave figures."""


@frozen
class DifferenceRow:
    """One reason why a counter says something else."""

    tool: str = column("Counter")
    """What people call it."""
    quantity: str = column("Quantity", words=(("macs", "MACs"),))
    """`params` or `macs`."""
    amount: int = column("Difference", kind="count", signed=True)
    """Theirs less ours, the part that this reason explains."""
    share: float | None = column("of ours", kind="ratio", signed=True)
    """The same as a share of our total."""
    reason: str = column("Reason")
    """What was found; `not explained` for what is left."""
    modules: int | None = column("Modules", kind="number", none="all")
    """In how many modules it was found; None where it is of the whole network."""
    example: str = column("First", drop=1)
    """Dotted name of the first of them."""
    explained: bool = column()
    """False for what is left over."""


@frozen
class AuditTotals:
    """What archscope says, and how the others stand to it."""

    our_params: int
    """Parameters, trained and frozen, shared tensors once."""
    our_macs: int
    """Multiply-accumulates of one forward pass."""
    complete: bool
    """False where something in our own count is unknown or disputed."""
    counters: int
    """Other counters that gave figures."""
    agreeing: int
    """Those that say the same of all that they count."""
    unexplained: int
    """Those with a difference that no reason was found for."""


TOOLS = Section(
    analysis="audit",
    name="tools",
    row_type=ToolRow,
    totals_type=AuditTotals,
    caption="What each counter says",
)

DIFFERENCES = Section(
    analysis="audit",
    name="differences",
    row_type=DifferenceRow,
    caption="Why they differ: theirs less ours, by reason",
    folded=True,
)
