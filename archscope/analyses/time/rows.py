"""Row types and totals of the time analysis."""

from __future__ import annotations

from archscope.columns import column
from archscope.records import frozen
from archscope.results import Section


@frozen
class PassRow:
    """One pass, or one stage of a training step."""

    stage: str = column("Pass")
    """`forward`, `backward`, `optimiser`, `training step`, `decode`, `forward, CUDA graph`."""
    median_s: float = column("Median", kind="seconds")
    """Half of the samples took longer, in seconds."""
    p5_s: float = column("p5 … p95", kind="seconds", to="p95_s", drop=1)
    """One sample in twenty was shorter."""
    p95_s: float = column(kind="seconds")
    """One sample in twenty was longer."""
    iqr_s: float = column(kind="seconds")
    """Width of the middle half of the samples."""
    samples: int = column(kind="count")
    """How many times were taken."""
    items_per_s: float | None = column("{item}s/s", kind="rate", none="–", idle="unknown")
    """Tokens or samples per second, see the totals' `item`; None for a part of a step."""
    macs: int | None = column()
    """Multiply-accumulates of one run."""
    flops_per_s: float | None = column("FLOP/s*", kind="throughput", none="–", idle="unknown")
    """2 x multiply-accumulates / median."""
    peak_share: float | None = column("of peak", kind="ratio", none="–", idle="unknown")
    """Share of the card's dense peak in this number type; None where no cited peak is known."""
    peak_bytes: int | None = column("Peak mem", kind="bytes", none="–", idle="unknown", drop=2)
    """Most bytes during it: what this network, its inputs and its optimiser hold on the device, and
    what torch's allocator hands out beside; None of a CUDA graph, and where that is unknown."""
    bound_s: float | None = column(
        "At least", kind="seconds", none="–", idle="unknown", default=None
    )
    """What a forward pass takes at least on this card, module by module, or a step of decoding by
    what it reads and multiplies, in seconds; None for other passes, and without a cited peak."""
    over_bound: float | None = column(
        "x bound", kind="number", none="–", idle="unknown", default=None
    )
    """How many times that it took."""
    runs_each: int = column(kind="count", default=1)
    """Of how many runs each sample is the mean."""


@frozen
class LayerRow:
    """One module in one forward pass. The plain columns hold its submodules too, `own` do not."""

    path: str = column("Module", kind="path")
    """Dotted name; empty for the model itself."""
    type: str = column("Type", drop=4)
    """Class name."""
    calls: int = column()
    """How often its forward runs in one pass."""
    time_s: float = column("Time", kind="seconds", share=True, bar=True, measured=True)
    """Median time of all its calls in one pass, in seconds."""
    bytes_moved: int | None = column("Bytes moved", kind="bytes", none="–", idle="unknown", drop=2)
    """Inputs, outputs and weights, once for each call: what must be moved at least."""
    macs: int | None = column("MACs", kind="work", none="–", idle="unknown", drop=3)
    """Multiply-accumulates, as `params` counts them."""
    intensity: float | None = column("FLOP/byte", kind="number", none="–", idle="unknown", drop=1)
    """2 x multiply-accumulates / bytes of the module without its submodules; None where nothing is
    moved, or it is unknown."""
    roof: str | None = column("Roof", idle="unknown")
    """`memory` or `compute`: what limits it at best on this card; None where that is unknown."""
    bound_s: float | None = column("At least", kind="seconds", idle="unknown", drop=2, default=None)
    """What it takes at least on this card, as `BoundRow` has it; None without a cited peak."""
    over_bound: float | None = column(
        "x bound", kind="number", measured=True, none="–", idle="unknown", default=None
    )
    """How many times that it took."""
    whole_share: float | None = column(kind="ratio", measured=True)
    """Its time as a share of the median of the whole forward pass, timed by itself."""
    own_time_s: float = column(kind="seconds", measured=True)
    own_bytes_moved: int | None = column()
    own_macs: int | None = column()


@frozen
class BoundRow:
    """What one module needs at least on a card. The plain columns hold its submodules too."""

    path: str = column("Module", kind="path")
    """Dotted name; empty for the model itself."""
    type: str = column("Type", drop=4)
    """Class name."""
    calls: int = column()
    """How often its forward runs in one pass."""
    bound_s: float = column("At least", kind="seconds", share=True, bar=True)
    """The longer of 2 x multiply-accumulates / dense peak and bytes / bandwidth, in seconds; of a
    module that calls others the sum of theirs and its own."""
    binds: str | None = column("Bound by", none="–")
    """`compute` or `memory`: which of the two is longer, by most of that time; None where nothing
    is done."""
    bytes_moved: int = column("Bytes moved", kind="bytes", drop=2)
    """Weights, inputs and outputs, once for each call: what must be moved at least."""
    macs: int | None = column("MACs", kind="work", none="–", drop=3)
    """Multiply-accumulates, as `params` counts them."""
    intensity: float | None = column("FLOP/byte", kind="number", none="–", drop=1)
    """2 x multiply-accumulates / bytes; None where they are unknown or nothing is moved."""
    own_bound_s: float = column(kind="seconds")
    own_binds: str | None = column()
    own_bytes_moved: int = column()
    own_macs: int | None = column()
    own_intensity: float | None = column(kind="number")


@frozen
class BoundTotals:
    """What the whole forward pass needs at least on a card."""

    card: str
    """The card's word, e.g. `h100`."""
    precision: str
    """The number type of weights and inputs."""
    macs: int | None
    """Multiply-accumulates of one forward pass, as `params` counts them."""
    bytes_moved: int
    """Bytes of all modules, each run by itself."""
    intensity: float | None
    """2 x multiply-accumulates / these bytes."""
    bound_s: float
    """Lower bound where every module runs by itself, in seconds."""
    binds: str | None
    """`compute` or `memory`: what most of it is bound by."""
    fused_bytes: int
    """Weights that are read, inputs and outputs of the network, once each."""
    fused_s: float
    """Lower bound whatever is fused or stays on the chip, in seconds."""
    fused_binds: str | None
    """`compute` or `memory`."""
    item: str | None
    """What a batch is counted in: `token` or `sample`; None where the inputs have no batch."""
    items: int | None
    """How many of them one pass takes in."""
    complete: bool
    """False where multiply-accumulates are unknown or disputed, and are left out."""


@frozen
class BatchRow:
    """One pass with one size of the batch. What did not fit has no times."""

    batch: int = column("Batch", kind="number")
    """How many samples or sequences a pass takes in."""
    median_s: float | None = column("Median", kind="seconds")
    """Half of the samples took longer, in seconds."""
    p5_s: float | None = column("p5 … p95", kind="seconds", to="p95_s", drop=1)
    """One sample in twenty was shorter."""
    p95_s: float | None = column(kind="seconds")
    """One sample in twenty was longer."""
    samples: int = column(kind="count")
    """How many times were taken."""
    items_per_s: float | None = column("{item}s/s", kind="rate", bar=True, idle="unknown")
    """Tokens or samples per second."""
    flops_per_s: float | None = column("FLOP/s*", kind="throughput", none="–", idle="unknown")
    """2 x multiply-accumulates / median."""
    peak_share: float | None = column("of peak", kind="ratio", none="–", idle="unknown")
    """Share of the card's dense peak in this number type; None where no cited peak is known."""
    peak_bytes: int | None = column("Peak mem", kind="bytes", idle="unknown", drop=2)
    """Most bytes during it, as `PassRow` has it."""
    unknown: str | None = column("Unknown, because", none="", idle="unknown")
    """Why it has no times."""
    runs_each: int = column(kind="count", default=1)
    """Of how many runs each sample is the mean."""


@frozen
class BatchTotals:
    """What the sizes of the batch come to."""

    device: str
    """Where it ran: `cpu`, `cuda:0`."""
    stage: str
    """`forward`, `training step` or `decode`."""
    item: str | None
    """What is counted per second: `token` or `sample`."""
    best: int | None
    """The batch with the most of them per second; None where none was timed."""
    enough: int | None
    """The smallest batch with 95% of that."""
    interrupted: bool
    """Whether the user ended it before all was measured."""


@frozen
class SampleRow:
    """One measured time."""

    stage: str = column("Pass")
    run: int = column("Sample", kind="number")
    """1 for the first after the warm-up."""
    seconds: float = column("Time", kind="seconds")
    """Of one run; of several the mean."""
    runs: int = column(kind="count", default=1)
    """Of how many runs it is the mean."""


@frozen
class ConditionRow:
    """One thing that was set, or read of the machine, while it was timed."""

    name: str = column("Condition")
    value: str | int | float | bool | None = column("Value")
    """None where it could not be read."""
    unit: str = column("Unit")
    """E.g. `MHz`; empty for words and counts."""
    unknown: str | None = column("Unknown, because")
    """Why there is no value."""
    flag: str = column(default="")
    """What was typed for it, e.g. `--dtype bf16`; empty where it is as usual, or was read."""


@frozen
class Totals:
    """What the whole was."""

    device: str
    """Where it ran: `cpu`, `cuda:0`."""
    macs: int | None
    """Multiply-accumulates of one forward pass, as `params` counts them."""
    item: str | None
    """What is counted per second: `token` or `sample`; None where the inputs have no batch."""
    items: int | None
    """How many of them one run takes in."""
    complete: bool
    """False where the multiply-accumulates are a lower bound, and with them the FLOP/s."""
    interrupted: bool
    """Whether the user ended it before all was measured."""


PASSES = Section(
    analysis="time",
    name="passes",
    row_type=PassRow,
    totals_type=Totals,
    caption="Time of each pass",
)

LAYERS = Section(
    analysis="time",
    name="layers",
    row_type=LayerRow,
    caption="Time of each module in a forward pass",
)

BOUNDS = Section(
    analysis="time",
    name="bounds",
    row_type=BoundRow,
    totals_type=BoundTotals,
    caption="Lower bound on the time of each module in a forward pass; nothing was run",
)

BATCHES = Section(
    analysis="time",
    name="batches",
    row_type=BatchRow,
    totals_type=BatchTotals,
    caption="Time and throughput by batch size",
)

SAMPLES = Section(
    analysis="time",
    name="samples",
    row_type=SampleRow,
    chapter=None,
)

CONDITIONS = Section(
    analysis="time",
    name="conditions",
    row_type=ConditionRow,
    caption="Conditions of the timing",
    folded=True,
)
