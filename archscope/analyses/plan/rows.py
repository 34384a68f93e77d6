"""Row types and totals of the plan analysis."""

from __future__ import annotations

from dataclasses import replace

from archscope.analyses.scaling.rows import LAWS, MEANINGS
from archscope.columns import column
from archscope.records import frozen
from archscope.results import Section


@frozen
class PartRow:
    """One kind of what is in the memory of a card of the fullest stage."""

    part: str = column("Part")
    bytes: int | None = column("Bytes", kind="bytes", share=True, bar=True, none="unknown")
    """None where it is not known; the source says why."""
    formula: str = column("Formula", drop=1)
    numbers: str = column("In numbers", drop=3)
    source: str = column("Source", drop=2)


@frozen
class StageRow:
    """One stage of the pipeline; sizes are those of one of its cards."""

    stage: int = column("Stage", kind="number")
    """Counted from 1."""
    holds: str = column("Holds")
    """Which parts of the network."""
    params: int = column("Params", kind="number", drop=2)
    """Parameters on one card, in elements."""
    states: int | None = column("States", kind="bytes", none="unknown", drop=1)
    """Weights, gradients and optimiser."""
    in_flight: str = column("In flight", drop=3)
    """Micro-batches that are kept at once, of each chunk of blocks."""
    kept: int | None = column("Activations", kind="bytes", none="unknown", drop=1)
    """What they keep for the backward."""
    bytes: int | None = column("Together", kind="bytes", none="unknown")
    """All that is described for it; None where a part is unknown."""
    known: int = column()
    """Bytes that are there at least."""
    work: float = column("Work", kind="ratio", drop=2)
    """Its share of the forward's multiply-accumulates."""


@frozen
class CostRow:
    """One figure of a step or of the whole training."""

    what: str = column("What")
    value: float | int | None = column(
        "Value", kind="number", read_as="kind", none="unknown", bound="bound"
    )
    kind: str = column()
    """How the value is read."""
    bound: str = column()
    """`at most` where it is no more than a bound; else empty."""
    formula: str = column("Formula", drop=1)
    source: str = column("Source, or why it is unknown", drop=2)


@frozen
class SentRow:
    """What one card sends in a step, of one kind."""

    what: str = column("Sent for")
    bytes: int | None = column(
        "Bytes of a step", kind="bytes", share=True, bar=True, none="unknown"
    )
    """By one card of the stage that sends most of it; None where it is not told."""
    formula: str = column("Formula", drop=1)
    source: str = column("Source", drop=2)


@frozen
class ChangeRow:
    """One change of how the cards share the work, everything else as it is."""

    change: str = column("Change")
    fits: str = column("Fits")
    """`yes`, `no` or `unknown`."""
    bytes: int | None = column("A card", kind="bytes", none="unknown")
    """What a card of the fullest stage has then."""
    work: float | None = column("Work", kind="ratio", signed=True, none="unknown")
    """FLOPs that run and time that is waited, more or less than before."""
    sends: int | None = column("Sent", kind="bytes", drop=1, none="unknown")
    """What a card sends in a step then."""
    cards: int = column("Cards", kind="number", drop=2)
    remark: str = column("Remark", drop=3, default="")


@frozen
class LargestRow:
    """One value of a field, and whether it fits."""

    field: str = column("Field")
    value: int = column("Value", kind="number")
    fits: str = column("Fits")
    bytes: int | None = column("A card", kind="bytes", none="unknown")
    card: int | None = column("Of", kind="bytes", none="unknown")


@frozen
class Totals:
    """What is described for a training."""

    memory: int | None
    """Bytes on a card of the fullest stage, all that is told; None where a part is unknown."""
    known: int
    """Bytes that are there at least."""
    limit: int | None
    """Bytes of a card; None where nobody says."""
    fits: bool | None
    """Whether it fits; None where that is not proven."""
    spare: int | None
    """Bytes that are left, below 0 those that lack; None where either side is unknown."""
    stage: int
    """The fullest stage, counted from 1."""
    gpus: int
    dp: int
    tp: int
    pp: int
    ep: int
    micro_batches: int
    """Passes of one copy in a step."""
    global_batch: int
    """Inputs of one step."""
    params: int
    """All parameters of the network."""
    active: int | None
    """Those that one token meets; None where it is unknown how many experts that are."""
    forward_flops: int
    """Of one step, of all cards."""
    model_flops: int | None
    """Forward and backward; None where the backward is a bound."""
    hardware_flops: int | None
    """With what runs again."""
    sent: int | None
    """Bytes that a card sends in a step, of all kinds; None where a kind is not told."""
    bubble: float
    """Time that a card waits, over the time that it works."""
    mfu: float | None
    hfu: float | None
    step_seconds: float | None
    steps: int | None
    days: float | None
    gpu_hours: float | None
    cost: float | None
    largest: int | None = column(kind="count", idle="unknown")
    """The largest value of the field that was asked for that fits."""


PARTS = Section(
    analysis="plan",
    name="parts",
    row_type=PartRow,
    totals_type=Totals,
    caption="Memory of one GPU of the fullest stage",
)
STAGES = Section(
    analysis="plan",
    name="stages",
    row_type=StageRow,
    caption="The stages of the pipeline",
)
COST = Section(
    analysis="plan",
    name="cost",
    row_type=CostRow,
    caption="Cost of a step and of the whole training run",
)
SENT = Section(
    analysis="plan",
    name="sent",
    row_type=SentRow,
    caption="What one GPU sends in a step",
)
CHANGES = Section(
    analysis="plan",
    name="changes",
    row_type=ChangeRow,
    caption="Single changes, the cheapest first",
)
LARGEST = Section(
    analysis="plan",
    name="largest",
    row_type=LargestRow,
    caption="The largest value that fits (before temporary memory), and the next, which does not",
    asked_by=("max",),
)
SIZES = tuple(replace(section, analysis="plan") for section in (MEANINGS, LAWS))
"""What N means, and the sizes that scaling laws would choose, as `archscope scaling` tells them."""
