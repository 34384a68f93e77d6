"""Lower bound on the time of a forward pass on a GPU that need not be here: the roofline.

A module cannot be faster than its arithmetic at the card's dense peak, nor than its bytes at the
memory's bandwidth: the longer of the two is its bound (Williams, Waterman and Patterson 2009).
Launches, elementwise arithmetic and whatever falls short of a peak come on top.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archscope.analyses.time.batch import items_told
from archscope.analyses.time.conditions import peaks_of
from archscope.analyses.time.layers import with_what_they_hold
from archscope.analyses.time.roof import Bound, Roof
from archscope.analyses.time.rows import BOUNDS, CONDITIONS, BoundRow, BoundTotals, ConditionRow
from archscope.hardware import others_named
from archscope.results import Amount, Headline, Note, Section, Words

if TYPE_CHECKING:
    from archscope.analyses.time.work import Counts, Moved
    from archscope.subject import Subject

BYTES = "each call of a module reads its weights and inputs and writes its outputs once"
"""What is taken to be moved."""


def bounds(subject: Subject, roof: Roof, counts: Counts, moved: Moved) -> tuple[Section, ...]:
    """Return the sections bounds and conditions of a network that was counted and not run."""
    rows = _rows(roof, counts, moved)
    totals = _totals(subject, roof, counts, moved, rows)
    return (
        BOUNDS.filled(
            rows,
            totals=totals,
            notes=tuple(_notes(roof, counts)),
            headline=(_headline(totals),),
            summary=tuple(_summary(totals, roof)),
            device="meta",
        ),
        CONDITIONS.filled(_conditions(roof), device="meta"),
    )


@dataclass(frozen=True, slots=True)
class _Sum:
    bound: Bound
    bytes_moved: int
    macs: int | None

    def __add__(self, other: _Sum) -> _Sum:
        unknown = self.macs is None or other.macs is None
        return _Sum(
            self.bound + other.bound,
            self.bytes_moved + other.bytes_moved,
            None if unknown else (self.macs or 0) + (other.macs or 0),
        )


def _rows(roof: Roof, counts: Counts, moved: Moved) -> tuple[BoundRow, ...]:
    paths = [path for path, calls in counts.calls.items() if calls]
    macs = counts.among(paths)
    own = {
        path: _Sum(roof.bound(macs[path], size), size, macs[path])
        for path in paths
        for size in (moved.own.get(path, 0),)
    }
    whole = with_what_they_hold(own)
    return tuple(_row(counts, path, own[path], whole[path]) for path in paths)


def _row(counts: Counts, path: str, own: _Sum, whole: _Sum) -> BoundRow:
    return BoundRow(
        path=path,
        type=counts.types[path],
        calls=counts.calls[path],
        bound_s=whole.bound.seconds,
        binds=whole.bound.binds,
        bytes_moved=whole.bytes_moved,
        macs=whole.macs,
        intensity=_intensity(whole.macs, whole.bytes_moved),
        own_bound_s=own.bound.seconds,
        own_binds=own.bound.binds,
        own_bytes_moved=own.bytes_moved,
        own_macs=own.macs,
        own_intensity=_intensity(own.macs, own.bytes_moved),
    )


def _intensity(macs: int | None, bytes_moved: int) -> float | None:
    return None if macs is None or not bytes_moved else 2 * macs / bytes_moved


def _totals(
    subject: Subject, roof: Roof, counts: Counts, moved: Moved, rows: Sequence[BoundRow]
) -> BoundTotals:
    item, items = items_told(subject)
    bound = sum((roof.bound(row.own_macs, row.own_bytes_moved) for row in rows), Bound())
    size = sum(row.own_bytes_moved for row in rows)
    fused = roof.bound(counts.total, moved.once)
    return BoundTotals(
        card=roof.card.word,
        precision=roof.precision,
        macs=counts.total,
        bytes_moved=size,
        intensity=_intensity(counts.total, size),
        bound_s=bound.seconds,
        binds=bound.binds,
        fused_bytes=moved.once,
        fused_s=fused.seconds,
        fused_binds=fused.binds,
        item=item,
        items=items,
        complete=counts.complete and counts.total is not None,
    )


def _notes(roof: Roof, counts: Counts) -> Iterator[Note]:
    yield Note(
        level="info",
        text=(
            "lower bounds, not forecasts: nothing was run; kernel launches, elementwise "
            "arithmetic and kernels below peak speed come on top"
        ),
        details=(
            f"Bytes: {BYTES}; data that stays in a cache or is fused moves less. The bound of a "
            "fully fused pass counts weights, inputs and outputs of the whole network once.",
            "Arithmetic: every counted multiply-accumulate; a kernel that skips the masked half "
            "of causal attention, or multiplies less (Winograd, FFT), can be faster.",
        ),
    )
    others = others_named(roof.card)
    if others:
        text = f"{roof.card.word} is {roof.card.names[0]!r}; other variants are {', '.join(others)}"
        yield Note(level="info", text=text)
    if counts.total is None or not counts.complete:
        yield Note(
            level="warning",
            text="some multiply-accumulates are unknown and left out of the bounds",
        )


def _headline(totals: BoundTotals) -> Headline:
    return Headline(
        name=f"Lower bound, forward, on {totals.card}",
        value=totals.bound_s,
        kind="seconds",
        detail=(f"{totals.binds}-bound in {totals.precision}; nothing was run",),
        bound=True,
        order=40,
    )


def _summary(totals: BoundTotals, roof: Roof) -> Iterator[Words]:
    seconds, fused = (Amount(value=t, kind="seconds") for t in (totals.bound_s, totals.fused_s))
    size, once = (Amount(value=n, kind="bytes") for n in (totals.bytes_moved, totals.fused_bytes))
    per_byte = Amount(value=totals.intensity, kind="number")
    yield (
        *("module by module at least ", seconds, f", {totals.binds}-bound (", size, " moved, "),
        *(per_byte, " FLOPs per byte)"),
    )
    yield ("all of it fused at least ", fused, f", {totals.fused_binds}-bound (", once, " moved)")
    if totals.items and totals.bound_s:
        rate = Amount(value=_rounded(totals.items / totals.bound_s), kind="number")
        yield ("at most ", rate, f" {totals.item}s/s, module by module")
    peak, bandwidth = (Amount(value=n, kind="rate") for n in (roof.peak, roof.card.bandwidth))
    what = f"FLOP/s dense {roof.precision}, "
    yield (f"roof of {roof.card.called} = ", peak, what, bandwidth, f"B/s ({roof.card.source})")


def _conditions(roof: Roof) -> Iterator[ConditionRow]:
    yield ConditionRow(
        name="device name", value=roof.card.names[0], unit="", unknown=None,
        flag=f"--gpu {roof.card.word}",
    )  # fmt: skip
    yield ConditionRow(
        name="number type", value=roof.precision, unit="", unknown=None,
        flag=f"--dtype {roof.precision}",
    )  # fmt: skip
    yield ConditionRow(name="bytes moved", value=BYTES, unit="", unknown=None)
    yield from peaks_of(roof.card, roof.precision)


def _rounded(value: float) -> float:
    """Return a number with four significant digits."""
    return float(f"{value:.4g}")
