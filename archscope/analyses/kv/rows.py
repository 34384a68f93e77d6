"""Row types and totals of the kv analysis."""

from __future__ import annotations

from archscope.columns import asked_for, column
from archscope.records import frozen
from archscope.results import Cases, Section


@frozen
class LayerRow:
    """What one layer keeps; bytes are those of all sequences."""

    path: str = column("Layer", kind="path")
    """The module that keeps it."""
    kind: str = column("Keeps")
    """What it keeps: full attention, window, latent, a state."""
    heads: int | None = column("Heads", kind="number", drop=3, idle="unknown", none="–")
    """Heads of its keys and values, or of its state."""
    per_position: int | None = column("Each", kind="number", drop=2)
    """Elements of one position."""
    positions: int | None = column("Positions", kind="number", drop=1)
    """Positions that are kept of each sequence."""
    fixed: int | None = column("Fixed", kind="number", drop=2, idle="empty")
    """Elements of states, which the context does not change, of each sequence."""
    bytes: int | None = column("Needed", kind="bytes", share=True, bar=True)
    """Of all positions that a step meets, its own among them; None: it could not be seen."""
    reserved: int | None = column("Reserved", kind="bytes", idle="unknown")
    """What the runtime sets aside; None: unknown, or none was named."""
    why: str = column("By", drop=5, idle="empty")
    """By which rule it reserves that, or why it is unknown."""
    formula: str = column("Elements of a sequence", drop=6)
    """In symbols: S positions of the context."""
    numbers: str = column("In numbers", drop=7)
    """The same with the numbers filled in."""
    source: str = column("Source", drop=8)
    """Where it is said that this is enough."""
    own_bytes: int | None = column()
    own_reserved: int | None = column()


@frozen
class KindRow:
    """What all layers of one kind keep."""

    kind: str = column("Keeps")
    layers: int = column("Layers", kind="count")
    """Those that keep this; one may keep several things."""
    bytes: int | None = column("Needed", kind="bytes", share=True, bar=True)
    """Of all sequences."""
    reserved: int | None = column("Reserved", kind="bytes", idle="unknown")
    """By the runtime; None: unknown, or none was named."""
    grows: str = column("Grows with the context", drop=1)
    """`yes`, `no`, or up to which length."""


@frozen
class RuntimeRow:
    """What one program reserves for the same sequences."""

    runtime: str = column("Runtime")
    """What a user types."""
    name: str = column("Which is", drop=2)
    set_aside: int | None = column("Reserved", kind="bytes")
    """None: how it keeps some layer was not read, or it has no cache of this number type."""
    ratio: float | None = column("× needed", kind="factor", drop=1)
    """Reserved over needed, states in the types of this program."""
    states: str = column("States in", drop=3, idle="empty")
    """What it keeps states in; empty where there are none."""
    why: str = column("By", drop=4)
    """By which rule, of the layers that differ."""
    source: str = column("Read in", drop=5)


@frozen
class BatchRow:
    """One step of so many sequences."""

    batch: int = column("Batch", kind="number")
    """Sequences; each brings a token."""
    step_macs: int = column("MACs", kind="work", drop=2)
    """Multiply-accumulates of all sequences."""
    step_flops: int = column("2 × MACs", kind="work", drop=4)
    """FLOPs, two for each of them, as peaks of cards are told."""
    weights_read: int = column("Weights read", kind="bytes", drop=1)
    """Bytes; of experts as many as are expected where a router chooses evenly."""
    cache_read: int = column("Cache read", kind="bytes")
    """Bytes: all that is kept."""
    step_seconds: float | None = column("At least", kind="seconds", idle="unknown")
    """What the step takes at least on the card; None: none was named, or nobody knows."""
    tokens_per_second: float | None = column("Tokens/s at most", kind="rate", idle="unknown")
    """Tokens of all sequences together."""
    each: float | None = column("of each", kind="rate", idle="unknown", drop=1)
    """Tokens per second of one sequence."""
    limit: str = column("By", idle="empty", drop=2)
    """What bounds it: memory or arithmetic."""
    fits: str = column("Fits", idle="empty")
    """Whether weights and cache fit in the memory that was named."""


@frozen
class ContextRow:
    """The cache at one length."""

    context: int = column("Context", kind="number")
    """Positions of each sequence."""
    needed: int = column("Needed", kind="bytes")
    """Of all sequences."""
    set_aside: int | None = column("Reserved", kind="bytes", idle="unknown")
    """By the runtime; None: unknown, or none was named."""


@frozen
class GuessRow:
    """What guessing ahead comes to."""

    guesses: int = column("Guesses", kind="number")
    """Tokens that are guessed before each step."""
    tokens: float = column("Tokens a step", kind="number")
    """Expected (Leviathan et al. 2023, equation 1)."""
    operations: float = column("Operations", kind="factor")
    """For each token, over those without guesses, the draft's left out (theorem 3.11)."""
    speed: float = column("Speed", kind="factor")
    """Over that without guesses, where a step of several tokens takes no longer (theorem 3.8)."""
    step_seconds: float | None = column("Step at least", kind="seconds", idle="unknown", drop=1)
    """What a step with so many tokens of each sequence takes at least on the card."""
    tokens_per_second: float | None = column("Tokens/s at most", kind="rate", idle="unknown")
    """Of all sequences together, runs of the draft at `draft_cost` of such a step."""


@frozen
class CheckRow:
    """One layer by both roads."""

    path: str = column("Layer", kind="path")
    kind: str = column("Keeps", drop=1)
    closed_form: int | None = column("Closed form", kind="count")
    """Elements of one sequence by the family's formula; None: it has none."""
    seen: int | None = column("Built and seen", kind="count")
    """Elements of the tensors that the built layer would keep; None: it was not seen."""
    outcome: str = column("Outcome")
    """`ok`, `missed` or `unknown`."""
    why: str = column("Because", idle="empty")
    own_closed_form: int | None = column()
    own_seen: int | None = column()


@frozen
class Totals:
    """The cache of all sequences, and a step of them."""

    context: int
    """Positions of each sequence."""
    batch: int
    """Sequences."""
    bytes: int | None
    """What is needed; None where that of a layer is unknown."""
    per_position: int | None
    """Bytes that one more position adds to one sequence while no window is full."""
    states: int | None
    """Bytes of one sequence that the context does not change."""
    reserved: int | None = asked_for()
    """What the runtime reserves."""
    padding: int | None = asked_for()
    """Bytes of these that no layer uses: groups of layers have equally many places."""
    weights: int | None = asked_for()
    """Bytes of all weights; None: no closed form tells them."""
    macs: int | None = asked_for()
    """Multiply-accumulates of a step of all sequences."""
    read: int | None = asked_for()
    """Bytes that a step reads: weights once, each sequence's cache."""
    seconds: float | None = asked_for()
    """What a step takes at least on the card."""
    rate: float | None = asked_for()
    """Tokens per second of all sequences, at most."""
    room: int | None = asked_for()
    """Bytes that there are for the cache."""
    tokens_fit: int | None = asked_for()
    """Positions of all sequences together for which that is enough; of vLLM as it logs them."""
    sequences_fit: int | None = asked_for()
    """Sequences of the context for which it is enough."""
    agrees: bool | None = asked_for()
    """Whether closed form and built layers agree, where they were compared."""


LAYERS = Section(
    analysis="kv",
    name="layers",
    row_type=LayerRow,
    totals_type=Totals,
    caption="What each layer caches of earlier positions",
)
KINDS = Section(
    analysis="kv",
    name="kinds",
    row_type=KindRow,
    caption="Totals by kind of layer",
)
RUNTIMES = Section(
    analysis="kv",
    name="runtimes",
    row_type=RuntimeRow,
    caption="What runtimes reserve for the same sequences",
)
BATCHES = Section(
    analysis="kv",
    name="batches",
    row_type=BatchRow,
    caption="One decoding step, by number of sequences",
)
CONTEXTS = Section(
    analysis="kv",
    name="contexts",
    row_type=ContextRow,
    caption="The cache, by length of the context",
    folded=True,
)
GUESSES = Section(
    analysis="kv",
    name="guesses",
    row_type=GuessRow,
    caption="Speculative decoding, by number of guessed tokens",
    asked_by=("acceptance", "guesses"),
)
CHECK = Section(
    analysis="kv",
    name="check",
    row_type=CheckRow,
    caption="Closed form beside the tensors of built layers",
    cases=Cases(suite="kind", name=("path",), outcome="outcome", detail="why"),
    asked_by=("verify",),
)
