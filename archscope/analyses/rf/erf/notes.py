"""What a reader must know of a measured effective receptive field, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archscope.analyses.rf.erf.rows import ErfRow, ErfTotals
from archscope.analyses.rf.numbers import counted
from archscope.results import Note


def notes(totals: ErfTotals, middle: Sequence[int], rows: Sequence[ErfRow]) -> Iterator[Note]:
    """Yield how it was measured, then whether that agrees with theory.

    `middle` is the position that RepLKNet's squares stand around.
    """
    unit = ",".join(map(str, totals.unit))
    unit = f"unit {unit} of {totals.output}" if unit else f"all units of {totals.output}"
    weights = "its own weights" if totals.weights == "its own" else "random weights (seed 0)"
    noise = "" if totals.kind == "given" else ", standard normal noise"
    yield Note(
        level="info",
        text=f"effective receptive field: gradients of {unit} in float64 with {weights}, averaged "
        f"over {counted(totals.images, 'image')} ({totals.kind}{noise})",
        details=tuple(_cautions(totals, middle, rows)),
    )
    if any(row.measure == "spread" and row.side is None for row in rows):
        yield Note(
            level="warning",
            text=f"no gradient reaches the input from {unit}: it may be cut off by a ReLU, a "
            "detach, or weights of zero",
        )
    else:
        yield from _agreement(totals, unit)


def _agreement(totals: ErfTotals, unit: str) -> Iterator[Note]:
    sizes = [b - a + 1 for a, b in zip(totals.first, totals.last, strict=True)]
    field = "×".join(f"{size:,}" for size in sizes) + " positions" * (len(sizes) == 1)
    if totals.outside:
        yield Note(
            level="warning",
            text=f"{totals.outside:.2g} of the gradient lies outside of the {field} that the "
            "operators let it see: please report this",
        )
    elif tuple(sizes) != totals.sizes:
        yield Note(
            level="ok",
            text=f"Measured gradients agree with theory: none lies outside the {field} that {unit} "
            "sees.",
        )


def _cautions(totals: ErfTotals, middle: Sequence[int], rows: Sequence[ErfRow]) -> Iterator[str]:
    yield (
        "RepLKNet's logarithm means that its areas are not shares of the mass: compare them "
        "only with each other"
    )
    first, last = (totals.local_first or totals.first), (totals.local_last or totals.last)
    off = max(abs((a + b) / 2 - at) for a, b, at in zip(first, last, middle, strict=True))
    if off > 1 / 2:
        far = f"{off:g} position{'' if off == 1 else 's'}"
        yield (
            f"its squares stand around the input's middle, as in its script, {far} off "
            "the middle of what this unit sees, and are wider for it"
        )
    if any(row.measure == "RepLKNet area" and row.side is None for row in rows):
        yield "its squares end before the shortest axis does: – where they hold too little by then"
