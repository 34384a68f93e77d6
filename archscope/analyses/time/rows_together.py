"""Row type and totals of several networks that were timed in turns."""

from __future__ import annotations

from archscope.columns import column
from archscope.records import frozen
from archscope.results import Section


@frozen
class RatioRow:
    """One of several networks that were timed in turns, in one run."""

    network: str = column("Network")
    """What it is called."""
    median_s: float = column("Median", kind="seconds")
    """Half of the samples took longer, in seconds."""
    p5_s: float = column("p5 … p95", kind="seconds", to="p95_s", drop=1)
    """One sample in twenty was shorter."""
    p95_s: float = column(kind="seconds")
    """One sample in twenty was longer."""
    samples: int = column(kind="count")
    """How many times were taken."""
    macs: int | None = column("MACs", kind="work", none="–", drop=3)
    """Multiply-accumulates of one run; None where they are unknown."""
    flops_per_s: float | None = column("FLOP/s*", kind="throughput", none="–", drop=2)
    """2 x multiply-accumulates / median."""
    ratio: float | None = column("Ratio", kind="number", none="–")
    """Median of its time as a multiple of the first one's, sample by sample; None of the first."""
    ratio_low: float | None = column("95% interval", kind="number", to="ratio_high", none="–")
    """That median lies between these, with a probability of 95%; None of the first, and of too few
    turns."""
    ratio_high: float | None = column(kind="number")
    runs_each: int = column(kind="count", default=1)
    """Of how many runs each sample is the mean."""


@frozen
class RatioTotals:
    """What was timed in turns."""

    device: str
    """Where it ran: `cpu`, `cuda:0`."""
    stage: str
    """`forward`, `training step` or `decode`."""
    turns: int
    """How many times all networks ran, each twice."""
    interrupted: bool
    """Whether the user ended it before all was measured."""


RATIOS = Section(
    analysis="time",
    name="ratios",
    row_type=RatioRow,
    totals_type=RatioTotals,
    caption="Networks timed in turns, in one run",
)
