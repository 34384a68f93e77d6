"""The text around a step's memory: headline, notes, the lines under the table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from archscope.analyses.memory.rows import PEAK, WITH_WORKSPACES, CheckRow, Totals
from archscope.analyses.memory.settings import Settings
from archscope.counting.loose_weights import made_notes
from archscope.counting.out_of_sight import FILLED
from archscope.results import Amount, Headline, Note, Words
from archscope.training.adapters import taken_for_head, the_only_linear
from archscope.training.optimisers import OPTIMISERS
from archscope.training.recipe import read_adapters
from archscope.training.saved import Saved
from archscope.training.step import Step
from archscope.training.work import Work

if TYPE_CHECKING:
    from torch import nn

_RECURRENT = {"lstm": "LSTM", "gru": "GRU", "rnn_tanh": "RNN", "rnn_relu": "RNN"}
"""Functions of torch's whose kernels keep what they like, and what their layers are called."""
_ATTENTION = "scaled_dot_product_attention"
_OWN = frozenset(("WindowDotProduct", "MaskedDotProduct"))
"""Classes whose scores no kernel of torch's makes."""


def recurrent_in(saved: Iterable[Saved]) -> list[str]:
    """Return the kinds of recurrent layers that ran step by step, where fused ones usually do."""
    return sorted({_RECURRENT[each.function] for each in saved if each.function in _RECURRENT})


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
        "saves is exact for torch's operators; the peak leaves out temporary workspaces "
        "inside kernels",
        details=("The loss here is the sum of the outputs; what a real loss saves comes on top.",),
    )
    yield from _workspaces(step, checked)
    yield from one_draw(step)
    yield from made_notes(step.made)
    yield from _kernels(step, settings)
    if settings.micro_batch is not None:
        each = f"{passes:,} passes of {settings.micro_batch:,} each"
        yield Note(
            level="info",
            text=f"{each} accumulate their gradients, which persist between passes; what is saved "
            "is that of one pass",
        )
    if settings.recompute == "selective":
        yield from _selective(step, settings)
    yield from _optimiser(settings, totals)
    yield from _repeats(step, totals)


def adapter_notes(model: nn.Module, lora: str) -> Iterator[Note]:
    """Say which layer has no adapter where none was named, and which alone has one."""
    adapters = read_adapters(lora)
    last = taken_for_head(model, adapters) if adapters else ""
    if last:
        yield Note(
            level="info",
            text=f"adapters are beside all linear layers but the last, {last}, taken for the head; "
            "targets= names others",
        )
    only = the_only_linear(model, adapters) if adapters else ""
    if only:
        yield Note(
            level="info",
            text=f"an adapter is beside {only} alone, the only linear layer; targets= names others "
            "and convolutions",
        )


def bound_notes(work: Work) -> Iterator[Note]:
    """Say why what a step multiplies is a lower bound, where it is."""
    if work.unknown:
        yield Note(
            level="warning",
            text=f"{', '.join(sorted(work.unknown))}: multiply-accumulates unknown, so the totals "
            "are lower bounds",
        )
    if work.filled:
        where = ", ".join(path or "the model itself" for path in work.filled)
        yield Note(level="warning", text=f"{FILLED}, in {where}; the totals are lower bounds")


def one_draw(ran: Step | Work) -> Iterator[Note]:
    """Say that another draw of random numbers may run other layers, where one may."""
    if ran.has_data:
        text = "its forward needs data, so a copy of it ran on data: if it skips layers at random"
        yield Note(level="info", text=f"{text}, this is one draw")
    elif ran.draws:
        text = "its forward draws random numbers: if they choose which layers run, this is one draw"
        yield Note(level="info", text=text)


def _kernels(step: Step, settings: Settings) -> Iterator[Note]:
    """Say whose kernels the step is that of, where that makes a difference."""
    casts = settings.autocast != "off" and settings.dropout == "card"
    as_on_a_card = settings.dropout == "card" or settings.attention_kernel == "flash"
    drops = any("dropout" in each.function for each in step.saved)
    if as_on_a_card and (casts or drops or _attends(step)):
        cast = ", and autocast casts as on a GPU" if casts else ""
        yield Note(
            level="info",
            text=f"attention and dropout save what a GPU's kernels save{cast}; --attention-kernel "
            "math and --dropout cpu change that",
        )
    if settings.attention_kernel == "math" and any(x.function == _ATTENTION for x in step.saved):
        yield Note(
            level="info",
            text="math is attention as papers write it; torch's kernel of that name also saves "
            "scaled copies of queries and keys, and computes 16-bit inputs in 32 bits",
        )
    recurrent = recurrent_in(step.saved)
    if recurrent:
        yield Note(
            level="warning",
            text=f"{' and '.join(recurrent)} ran step by step: the fused kernels of cuDNN and "
            "oneDNN save a workspace of unpublished size instead",
        )


def _optimiser(settings: Settings, totals: Totals) -> Iterator[Note]:
    optimiser = OPTIMISERS[settings.optimizer]
    yield Note(level="info", text=f"{optimiser.name} keeps {optimiser.help}")
    if optimiser.make is None:
        yield Note(
            level="warning",
            text=f"torch has no {optimiser.name}: its state comes from a formula, and the "
            "temporary memory of its update is not in the peak",
        )
    if optimiser.doubles_at_once:
        yield _at_once(optimiser.name, totals)


def _repeats(step: Step, totals: Totals) -> Iterator[Note]:
    """Say which repeated blocks were not run."""
    blocks = sum(len(repeat.copies) for repeat in step.repeats)
    if step.stretches and totals.peak is not None:
        left = blocks - len(step.repeats)
        said = "1 repeated block was not run, since it matches the one before it"
        if left > 1:
            said = f"{left:,} repeated blocks were not run, since they match those before them"
        yield Note(level="info", text=f"{said}, byte for byte")
    if step.repeats and totals.peak is None:
        yield Note(
            level="warning",
            text=f"{blocks:,} repeated blocks were run once: what they save is exact, the peak is "
            "unknown",
        )


def _workspaces(step: Step, checked: Sequence[CheckRow]) -> Iterator[Note]:
    """Say what kernels took beside the peak where it was measured, or that convolutions do."""
    peaks = [row.measured for row in checked if row.what in (PEAK, WITH_WORKSPACES)]
    if len(peaks) == 2:
        alone, together = peaks
        text = (
            f"on this CPU the workspaces of kernels made the peak {together - alone:,} bytes "
            f"larger ({together / alone - 1:.1%}); those of a GPU differ"
        )
        yield Note(level="info", text=text)
    elif any(each.function.startswith("conv") for each in step.saved):
        yield Note(
            level="warning",
            text="convolution kernels use workspaces of unknown size, which are not in the peak; "
            "memory --check measures them on this CPU",
        )


def _at_once(name: str, totals: Totals) -> Note:
    """Return what torch's default on a card takes: roots of all second moments side by side."""
    there = totals.weights + totals.buffers + totals.states + totals.inputs + totals.gradients
    alive = there + totals.trained
    is_more = totals.peak is not None and alive > totals.peak
    text = (
        f"the peak is that of {name} updating one tensor at a time; updating all at once (foreach, "
        f"torch's default on a GPU) needs {_size(alive)}"
    )
    return Note(
        level="warning" if is_more else "info",
        text=f"{text}, more than this peak" if is_more else text,
    )


def _size(number: int) -> str:
    """Return bytes as one compares them with a card's memory, exactly where they are few."""
    for unit, name in ((2**30, "GiB"), (2**20, "MiB")):
        if number >= unit:
            return f"{number / unit:.4g} {name}"
    return f"{number:,} bytes"


def _attends(step: Step) -> bool:
    """Return whether attention runs in it, by torch's function or as one of archscope's modules."""
    by_torch = any(each.function == _ATTENTION for each in step.saved)
    return by_torch or bool(_OWN & {*step.types.values()})


def _selective(step: Step, settings: Settings) -> Iterator[Note]:
    """Yield why selective recomputation may change nothing."""
    if not _attends(step):
        text = (
            "selective recomputation found no call of torch's attention function, so it "
            "changes nothing"
        )
        yield Note(level="warning", text=text)
    elif settings.attention_kernel == "flash":
        yield Note(
            level="info",
            text="selective recomputation changes nothing with a fused attention kernel, which "
            "recomputes its scores anyway; --attention-kernel math saves them",
        )
