"""The conditions under which a time was taken: settings, and the state of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archscope.analyses.time.rows import ConditionRow
from archscope.analyses.time.settings import typed
from archscope.hardware import Card, Precision
from archscope.subject import Subject
from archscope.timing.out_of_memory import batch_size
from archscope.timing.passes import LOSS, OPTIMISER
from archscope.timing.precision import DTYPES, is_deterministic, named

if TYPE_CHECKING:
    from archscope.analyses.time.measure import Measured

RUNS_EACH = "runs that each sample is the mean of"
"""What the condition is called."""


def conditions(subject: Subject, found: Measured) -> tuple[ConditionRow, ...]:
    """Return a row for each condition, those that were set first."""
    was_set = (replace(row, flag=typed(found.settings, row.name)) for row in _set(subject, found))
    return (*was_set, *_peaks(found), *_read(found))


def _row(name: str, value: Any, unit: str = "", unknown: str | None = None) -> ConditionRow:
    return ConditionRow(name=name, value=value, unit=unit, unknown=unknown)


def _set(subject: Subject, found: Measured) -> Iterator[ConditionRow]:
    settings, samples = found.settings, found.samples
    dtype = str(DTYPES[named(settings.dtype)]).removeprefix("torch.")
    autocast = "no autocast" if settings.autocast is None else f"autocast to {settings.autocast}"
    trains = settings.step == "train"
    yield _row("device", str(found.device))
    yield _row("device name", found.device_name)
    yield _row("number type", found.precision)
    yield _row("weights and inputs", f"cast to {dtype}, {autocast}")
    yield _row("memory format", "channels last" if settings.channels_last else "as it is")
    yield _row("mode", "training" if trains else "evaluation, without gradients")
    if settings.step == "decode":
        yield _row("positions of each sequence", settings.context)
    yield _row("execution", "compiled" if settings.compiled else "eager")
    if is_deterministic():
        yield _row("deterministic algorithms", value=True)
    yield _row("attention kernel", settings.attention_kernel or "torch chooses")
    if found.device.type == "cuda":
        yield _row("cuDNN tries its algorithms", found.benchmark)
    if subject.inputs is not None:
        yield _row("batch", batch_size(subject.inputs, found.batch_axis))
    yield _row("ready after", found.ready_s, "s")
    yield _row("warm-up runs", samples.warmup_runs)
    yield _row("warm-up settled", samples.settled)
    yield _row("runs", len(samples.seconds) * samples.runs_each)
    yield _row(RUNS_EACH, samples.runs_each)
    yield _row("budget", settings.budget, "s")
    yield _row("clock", found.clock)
    yield _row("cache", _cache(found))
    for when, each in zip(("before", "after"), found.products, strict=False):
        yield _row(f"product of {each.size} x {each.size} {when}", each.median_s, "s")
    if trains:
        yield _row("loss", LOSS)
        yield _row("optimiser", OPTIMISER)


def _cache(found: Measured) -> str:
    return "emptied before each run" if found.cache_emptied else "as the run before left it"


def _peaks(found: Measured) -> Iterator[ConditionRow]:
    if found.card is not None:
        yield from peaks_of(found.card, found.precision)
        return
    why = (
        "this is a CPU"
        if found.device.type == "cpu"
        else f"no cited figures of {found.device_name!r} are known here"
    )
    yield _row("dense peak", None, "FLOP/s", why)
    yield _row("memory bandwidth", None, "B/s", why)


def peaks_of(card: Card, precision: Precision) -> Iterator[ConditionRow]:
    """Yield what a card does at best in a number type, and where that stands."""
    peak = card.peak(precision)
    missing = None if peak is not None else f"the source prints none in {precision}"
    yield _row("dense peak", peak, "FLOP/s", missing)
    yield _row("memory bandwidth", card.bandwidth, "B/s")
    yield _row("source of the peak", source_of(card))


def source_of(card: Card) -> str:
    """Return where a card's figures stand, and what was made of them."""
    made = {
        1: "",
        2: ", which prints it with sparsity: halved",
        8: ", which prints the rate of 8 bits with sparsity and short accumulation: an eighth",
        16: ", which prints the rate of 4 bits with sparsity: a sixteenth",
    }[card.printed]
    dealer = " (a dealer's copy; its vendor publishes none)" if card.second_hand else ""
    return f"{card.source}{dealer}{made}"


def _read(found: Measured) -> Iterator[ConditionRow]:
    for reading in found.machine:
        yield _row(reading.name, reading.value, reading.unit, reading.unknown)
