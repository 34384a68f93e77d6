"""Holds the two engines against each other, and names all that could not be counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from archscope.counting.forward import ForwardCount
from archscope.counting.layouts import REAL_PER_COMPLEX
from archscope.results import Note

_NAMED = 5
"""How many disagreements are named one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What both engines together say."""

    macs: Counter[str]
    """Multiply-accumulates of each module's own work, by path; the dispatcher's."""
    flops: Counter[str] | None
    """The same plus fvcore's estimates; None where fvcore could not follow."""
    complete: bool
    """False where something is unknown, disputed, or was not reached."""
    notes: tuple[Note, ...]


def compare(count: ForwardCount) -> Agreement:
    """Return what both engines say of one forward pass, with a note on all that is in doubt."""
    macs = count.dispatcher.macs()
    notes = [*_unknown_operators(count), *_disagreements(count), *_conventions(count)]
    if count.fvcore is None and count.failure is None:
        text = (
            f"fvcore could not trace this forward ({count.fvcore_failure}): "
            "multiply-accumulates are from torch's dispatcher alone, FLOPs are unknown"
        )
        notes.append(Note(level="warning", text=text))
    flops = None if count.fvcore is None else macs + count.fvcore.estimates
    complete = count.failure is None and not any(note.level == "warning" for note in notes)
    return Agreement(macs=macs, flops=flops, complete=complete, notes=tuple(notes))


def _unknown_operators(count: ForwardCount) -> Iterator[Note]:
    total = sum(tally.elements for tally in count.dispatcher.work.values()) or 1
    calls: Counter[str] = Counter()
    elements: Counter[str] = Counter()
    for (_, operator), tally in count.dispatcher.work.items():
        if tally.kind == "unknown":
            calls[operator] += tally.calls
            elements[operator] += tally.elements
    for operator, times in calls.items():
        why = count.dispatcher.reasons.get(operator, "neither engine knows it")
        yield _unknown(operator, times, elements[operator] / total, why)
    for kind, stranger in (count.fvcore.unknown if count.fvcore else {}).items():
        if kind in calls:
            continue
        name, why = kind, "fvcore does not know it, torch's dispatcher sees only what it calls"
        if kind.startswith("prim::PythonOp."):
            name = kind.removeprefix("prim::PythonOp.")
            why = "a custom autograd function may compute outside torch's sight"
        yield _unknown(name, stranger.calls, stranger.elements / total, why)


def _conventions(count: ForwardCount) -> Iterator[Note]:
    """Say how work was counted that is not one multiply-accumulate of dense real numbers."""
    if count.dispatcher.sparse:
        text = (
            f"{count.dispatcher.sparse.total():,} multiply-accumulates have a sparse operand: "
            "the entries that it stores are counted, by torch's dispatcher alone, since fvcore's "
            "trace does not tell them"
        )
        yield Note(level="info", text=text)
    estimated: Counter[str] = Counter()
    for (_, operator), tally in count.dispatcher.work.items():
        estimated[operator] += tally.estimated_flops
    if estimated.total():
        named = ", ".join(sorted(name.removeprefix("aten::") for name in +estimated))
        text = (
            f"about {estimated.total():,} FLOPs of {named} are estimated beside the totals, by "
            "textbook counts (5 n log2 n for a complex FFT), and are in none of them"
        )
        yield Note(level="info", text=text)
    if count.dispatcher.complex_macs:
        text = (
            f"{count.dispatcher.complex_macs:,} multiply-accumulates are of complex numbers: "
            f"{REAL_PER_COMPLEX} real ones are counted for each product"
        )
        yield Note(level="info", text=text)


def _unknown(operator: str, calls: int, share: float, why: str) -> Note:
    text = (
        f"operator {operator} is not counted: {why}. It ran {calls} time{'s' * (calls != 1)} and "
        f"wrote {min(share, 1):.1%} of all elements; totals are a lower bound"
    )
    return Note(level="warning", text=text, operator=operator, calls=calls)


def _disagreements(count: ForwardCount) -> Iterator[Note]:
    if count.fvcore is None:
        return
    ours, theirs = count.dispatcher.macs(), count.fvcore.macs
    explained = {path for stranger in count.fvcore.unknown.values() for path in stranger.paths}
    explained |= count.dispatcher.sparse.keys() | count.fvcore.untold
    disputed = sorted(
        path
        for path in ours.keys() | theirs.keys()
        if ours[path] != theirs[path] and path not in explained
    )
    for path in disputed[:_NAMED]:
        text = (
            f"the engines disagree in {path or 'the model itself'}: torch's dispatcher counts "
            f"{ours[path]:,} multiply-accumulates, fvcore {theirs[path]:,}; the former are shown"
        )
        yield Note(level="warning", text=text)
    if len(disputed) > _NAMED:
        text = f"the engines disagree in {len(disputed) - _NAMED} more modules"
        yield Note(level="warning", text=text)
