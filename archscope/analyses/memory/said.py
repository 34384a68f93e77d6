"""What is said of a step's memory beside its rows: headline, notes, the lines under the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archscope.analyses.memory.rows import PEAK, WITH_WORKSPACES, CheckRow, Totals
from archscope.analyses.memory.settings import Settings
from archscope.results import Amount, Headline, Note, Words
from archscope.training.optimisers import OPTIMISERS
from archscope.training.step import Step

_RECURRENT = frozenset(("LSTM", "GRU", "RNN"))
"""Classes of torch's whose kernels keep what they like."""
_ATTENTION = "scaled_dot_product_attention"
_OWN = frozenset(("WindowDotProduct", "MaskedDotProduct"))
"""Classes whose scores no kernel of torch's makes."""


def recurrent_in(step: Step) -> list[str]:
    """Return the classes of recurrent layers that ran step by step, where fused ones usually do."""
    return sorted(set(step.types.values()) & _RECURRENT)


def summary(totals: Totals) -> Iterator[Words]:
    """Yield the lines under every table of the analysis."""
    yield (
        "Saved for the backward ",
        Amount(value=totals.saved, kind="bytes"),
        " · weights ",
        Amount(value=totals.weights, kind="bytes"),
        " · gradients ",
        Amount(value=totals.gradients, kind="bytes"),
        " · optimizer ",
        Amount(value=totals.states, kind="bytes"),
    )
    if totals.peak is not None:
        yield (
            "Peak of a step ",
            Amount(value=totals.peak, kind="bytes"),
            f" in the {totals.peak_phase}",
            f", at {totals.peak_path}" if totals.peak_path else "",
        )


def headline(totals: Totals) -> Iterator[Headline]:
    """Yield the numbers that a reader looks for first."""
    yield Headline(
        name="Peak of a training step",
        value=totals.peak,
        kind="bytes",
        detail=(f"in the {totals.peak_phase}",) if totals.peak_phase else ("not known here",),
        order=30,
    )
    yield Headline(
        name="Saved for the backward",
        value=totals.saved,
        kind="bytes",
        detail=("by one forward pass, parameters left out",),
        order=31,
    )
    fixed = totals.weights + totals.gradients + totals.states
    yield Headline(
        name="Weights, gradients, optimizer",
        value=fixed,
        kind="bytes",
        detail=("whatever the batch is",),
        order=32,
    )


def notes(
    step: Step, settings: Settings, totals: Totals, passes: int, checked: Sequence[CheckRow]
) -> Iterator[Note]:
    """Yield what must be known to read the numbers rightly; `checked` is what was measured."""
    yield Note(
        level="info",
        text=f"the step ran on tensors with{'' if step.has_data else 'out'} data: what autograd "
        "keeps is exact for torch's operators; the peak leaves out what a kernel takes for itself "
        "and gives back at once",
        details=("The loss is the sum of the outputs; a real one keeps what it keeps beside it.",),
    )
    yield from _workspaces(step, checked)
    if step.has_data:
        text = (
            "its forward needs data, so a copy of it ran on data: where it skips layers by chance"
        )
        yield Note(level="info", text=f"{text}, this is one draw")
    if settings.dropout == "card" or settings.attention_kernel == "flash":
        casts = settings.autocast != "off" and settings.dropout == "card"
        cast = ", and autocast casts what a card's does" if casts else ""
        yield Note(
            level="info",
            text=f"attention and dropout keep what a card's kernels keep{cast}; "
            "--dropout cpu and --attention-kernel math say otherwise",
        )
    if settings.attention_kernel == "math" and any(x.function == _ATTENTION for x in step.saved):
        yield Note(
            level="info",
            text="math is attention as papers write it; torch's own kernel of that name keeps "
            "scaled copies of queries and keys too, and takes 16 bits to 32 within",
        )
    if settings.micro_batch is not None:
        text = f"{passes:,} passes of {settings.micro_batch:,} each add up their gradients, which"
        yield Note(
            level="info", text=f"{text} stay from pass to pass: what is saved is of one pass"
        )
    if settings.recompute == "selective":
        yield from _selective(step, settings)
    optimiser = OPTIMISERS[settings.optimizer]
    yield Note(level="info", text=f"{optimiser.name} keeps {optimiser.help}")
    if optimiser.make is None:
        yield Note(
            level="warning",
            text=f"torch has no {optimiser.name} here: its state is by formula, and what its "
            "update takes for a moment is not in the peak",
        )
    if optimiser.doubles_at_once:
        yield _at_once(optimiser.name, totals)
    recurrent = recurrent_in(step)
    if recurrent:
        yield Note(
            level="warning",
            text=f"{' and '.join(recurrent)} ran step by step: fused kernels, as cuDNN's and "
            "oneDNN's, keep a workspace of their own instead, whose size nobody tells",
        )
    blocks = sum(len(repeat.copies) for repeat in step.repeats)
    if step.stretches and totals.peak is not None:
        left = blocks - len(step.repeats)
        said = "1 block was left out of the run, which does what the one before it does"
        if left > 1:
            said = f"{left:,} blocks were left out of the run, which do what those before them do"
        yield Note(level="info", text=f"{said}, byte for byte")
    if step.repeats and totals.peak is None:
        yield Note(
            level="warning",
            text=f"{blocks:,} blocks that repeat were run once: what they keep is exact, the peak "
            "is unknown",
        )


def _workspaces(step: Step, checked: Sequence[CheckRow]) -> Iterator[Note]:
    """Say what kernels took beside the peak where it was measured, or that convolutions do."""
    peaks = [row.measured for row in checked if row.what in (PEAK, WITH_WORKSPACES)]
    if len(peaks) == 2:
        alone, together = peaks
        text = (
            f"on this CPU kernels' workspaces made the peak {together - alone:,} bytes larger, "
            f"{together / alone - 1:.1%}; a card's kernels take others"
        )
        yield Note(level="info", text=text)
    elif any(each.function.startswith("conv") for each in step.saved):
        yield Note(
            level="warning",
            text="kernels of convolutions take workspaces, whose sizes nobody tells beforehand: "
            "they are not in the peak; memory --check measures them on this CPU",
        )


def _at_once(name: str, totals: Totals) -> Note:
    """Return what torch's default on a card takes: roots of all second moments side by side."""
    there = totals.weights + totals.buffers + totals.states + totals.inputs + totals.gradients
    alive = there + totals.trained
    is_more = totals.peak is not None and alive > totals.peak
    text = (
        f"{name} goes from tensor to tensor here; of all at once, torch's default on a card "
        f"(foreach), the update has {alive:,} bytes alive"
    )
    return Note(
        level="warning" if is_more else "info",
        text=f"{text}, which is more than this peak" if is_more else text,
    )


def _selective(step: Step, settings: Settings) -> Iterator[Note]:
    """Yield why selective recomputation may change nothing."""
    if not any(each.function == _ATTENTION for each in step.saved) and not _OWN & {
        *step.types.values()
    }:
        text = "selective recomputation found no attention by torch's function, and changes nothing"
        yield Note(level="warning", text=text)
    elif settings.attention_kernel == "flash":
        yield Note(
            level="info",
            text="selective recomputation changes nothing where attention is one kernel, which "
            "makes its scores anew anyway; --attention-kernel math keeps them",
        )
