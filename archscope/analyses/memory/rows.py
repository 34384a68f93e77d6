"""Row types and totals of the memory analysis; all sizes in bytes."""

from __future__ import annotations

from archscope.columns import column
from archscope.records import frozen
from archscope.results import Section


@frozen
class ModuleRow:
    """One module. The plain columns hold its submodules too, the `own` columns do not."""

    path: str = column("Module", kind="path")
    """Dotted name; empty for the model itself."""
    type: str = column("Type", drop=4)
    """Class name."""
    saved: int = column("Saved", kind="bytes", share=True, bar=True)
    """What its forward keeps for the backward, memory that several keep at the first alone."""
    weights: int = column("Weights", kind="bytes", drop=2)
    """Its parameters, shared ones at their first holder."""
    gradients: int = column("Gradients", kind="bytes", drop=3)
    """Gradients of those that are trained."""
    states: int = column("Optimizer", kind="bytes", drop=1)
    """What the optimiser keeps for those."""
    keeps: str = column("Keeps", drop=3, default="")
    """The largest of what it keeps by itself, and how many more there are."""
    own_saved: int = column()
    own_weights: int = column()
    own_gradients: int = column()
    own_states: int = column()


@frozen
class SavedRow:
    """One block of memory that the forward keeps for the backward."""

    path: str = column("Module", kind="path")
    """The module that asked for it first."""
    function: str = column("Kept by")
    """The function that it ran, e.g. `layer_norm`."""
    shape: tuple[int, ...] = column("Shape", kind="shape")
    """Shape of the tensor that was kept."""
    dtype: str = column("Type", drop=1)
    """Its number type."""
    bytes: int = column("Bytes", kind="bytes", share=True, bar=True)
    """Size of the whole block of memory, of all copies of a block that repeats."""
    holds: str = column("Is", drop=2)
    """`activation`; or `input` or `buffer`, which are there whatever is kept."""
    made_in: str | None = column("Made in", none="–", drop=3)
    """The module that made it, or holds it as a buffer; None where it came from outside."""


@frozen
class PartRow:
    """One kind of what is in memory."""

    part: str = column("Part")
    bytes: int | None = column("Bytes", kind="bytes")
    """All of it, whenever it is there; None where that is not known."""
    at_peak: int | None = column("At the peak", kind="bytes", share=True, bar=True)
    """What is there when most is; the rows add up to the peak. None where that is not known."""
    definition: str = column("Definition", drop=1)
    """What it is, and whether it is there all the time."""


@frozen
class TimelineRow:
    """The turn of one module in a step."""

    turn: int = column("Turn", kind="number")
    """Counted from 1."""
    phase: str = column("Phase")
    """`forward`, `backward` or `optimiser`."""
    path: str = column("Module", words=(("", "(model)"),))
    """The module at work. No path of a tree: what is in order here is the turns."""
    alive: int = column("Alive", kind="bytes")
    """The most bytes in its turn, with what is there all the time."""


PEAK = "peak of the step"
WITH_WORKSPACES = "the same with workspaces"
"""What is checked of a peak: all that outlives the operator that made it, and all that there is."""


@frozen
class ClosedRow:
    """One tensor that is kept, by its closed form."""

    path: str = column("Module", kind="path")
    """The module that asks for it first; of blocks that are alike that of the first."""
    what: str = column("Kept")
    """What it is: the module whose answer it is, or a word for what is made on the way."""
    formula: str = column("Bytes of one")
    """Formula of its bytes."""
    numbers: str = column("In numbers", drop=1)
    """The same with its numbers filled in."""
    bytes: int = column("Bytes", kind="bytes")
    """Of one of them."""
    times: int = column("Blocks", kind="number")
    """Blocks that keep one each."""
    together: int = column("Together", kind="bytes", share=True, bar=True)
    """Of all of them."""


@frozen
class CheckRow:
    """One prediction beside what a real step on this machine's CPU did."""

    what: str = column("What")
    predicted: int = column("Predicted", kind="bytes")
    measured: int = column("Measured", kind="bytes")
    error: float = column("Error", kind="ratio", signed=True)
    """(predicted - measured) / measured."""
    definition: str = column("How it was measured", drop=1)


@frozen
class Totals:
    """What a step of training takes; bytes."""

    saved: int
    """What the forward keeps for the backward, parameters left out."""
    activations: int
    """That without inputs and buffers, which are there anyway."""
    weights: int
    """All parameters, shared ones once."""
    trained: int
    """The parameters that are trained."""
    buffers: int
    inputs: int
    """What the forward is called with."""
    gradients: int
    """Gradients of the parameters that are trained."""
    states: int
    """What the optimiser keeps."""
    peak: int | None
    """The most that is alive at once; None where blocks that repeat were run once."""
    peak_phase: str | None
    """`forward`, `backward` or `optimiser`."""
    peak_path: str | None
    """The module at work when it is."""
    exact: bool = True
    """Whether what is kept is known: not where fused kernels of recurrent layers keep a workspace
    of their own in its place."""


MODULES = Section(
    analysis="memory",
    name="modules",
    row_type=ModuleRow,
    totals_type=Totals,
    caption="What each module keeps in memory in a training step",
)
SAVED = Section(
    analysis="memory",
    name="saved",
    row_type=SavedRow,
    caption="What the forward saves for the backward, in order",
    folded=True,
)
PARTS = Section(
    analysis="memory",
    name="parts",
    row_type=PartRow,
    caption="What is in memory, in total and at the peak",
)
TIMELINE = Section(
    analysis="memory",
    name="timeline",
    row_type=TimelineRow,
    chapter=None,
)
CLOSED = Section(
    analysis="memory",
    name="closed",
    row_type=ClosedRow,
    caption="What the forward saves by the closed form, tensor by tensor",
    folded=True,
    asked_by=("explain",),
)
CHECK = Section(
    analysis="memory",
    name="check",
    row_type=CheckRow,
    caption="Predicted beside measured in one real step",
    asked_by=("check",),
)
