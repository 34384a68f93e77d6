"""Row types of the finetune analysis; all sizes in bytes."""

from __future__ import annotations

from archscope.analyses.memory.rows import ModuleRow
from archscope.columns import column
from archscope.records import frozen
from archscope.results import Section


@frozen
class WayRow:
    """One way to train the network."""

    way: str = column("Way")
    """`full`, `frozen`, `LoRA` or `recomputed`."""
    trained: int = column("Trained", kind="count")
    """Parameters that are trained, in elements, those of adapters included."""
    saved: int = column("Saved", kind="bytes")
    """What the forward keeps for the backward, parameters left out."""
    saved_of_full: float = column("of full", kind="ratio")
    """Share of what full training keeps."""
    fixed: int = column("Gradients, optimizer", kind="bytes", drop=2)
    """Gradients and the optimiser's state: what the batch does not change."""
    peak: int | None = column("Peak", kind="bytes", bar=True, idle="unknown", none="–")
    """The most that is alive at once, weights included, workspaces of kernels not; None where
    blocks that repeat were run once."""
    peak_of_full: float | None = column("of full", kind="ratio", idle="unknown", none="–")
    """Share of the peak of full training."""
    backward: int = column("Backward MACs", kind="work", bound="complete", drop=1)
    """Multiply-accumulates of the backward pass, without what runs again."""
    recomputed: int = column("Again", kind="work", idle="empty", bound="again_complete", drop=1)
    """Multiply-accumulates of the forward that run again."""
    step: float | None = column("Step ÷ forward", kind="factor", drop=2, none="–")
    """All multiply-accumulates of a step for each of the network's own forward; None where one of
    the two is a lower bound.
    """
    complete: bool = column()
    """Whether all multiply-accumulates of its step are known; else they are lower bounds."""
    again_complete: bool = column()
    """Whether that is so of what runs again, or nothing does."""
    trains: str = column("Trains", drop=3)
    """What is trained, in words."""


@frozen
class PartRow:
    """One kind of what is in memory when most is, in one way."""

    way: str = column("Way")
    part: str = column("Part")
    at_peak: int = column("At the peak", kind="bytes")
    """The parts of a way add up to its peak."""


@frozen
class TimelineRow:
    """A part of a step, of so many equal ones, in one way."""

    way: str = column("Way")
    turn: int = column("Turn", kind="number")
    """Counted from 1."""
    phase: str = column("Phase")
    """`forward`, `backward` or `optimiser`."""
    path: str = column("Module", kind="path")
    """The module at work when most is alive in this part."""
    alive: int = column("Alive", kind="bytes")
    """The most bytes in it, with what is there all the time."""


CHAPTER = "training"
"""The part of a page in which all of it stands."""

WAYS = Section(
    analysis="finetune",
    name="ways",
    row_type=WayRow,
    caption="Ways to train it, side by side",
    chapter=CHAPTER,
)
PARTS = Section(
    analysis="finetune",
    name="parts",
    row_type=PartRow,
    caption="What is in memory at the peak",
    chapter=CHAPTER,
    folded=True,
)
MODULES = Section(
    analysis="finetune",
    name="modules",
    row_type=ModuleRow,
    caption="What each module keeps in full training",
    chapter=CHAPTER,
    folded=True,
)
TIMELINE = Section(
    analysis="finetune",
    name="timeline",
    row_type=TimelineRow,
    chapter=None,
)
