"""The lines under a table of times: the passes, how they were taken, whose peak is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archscope.analyses.time.conditions import RUNS_EACH
from archscope.analyses.time.rows import ConditionRow, PassRow
from archscope.results import Amount, Headline, Words

SEPARATOR = " · "


def headline(first: PassRow, device: str) -> Headline:
    """Return the number that a reader looks for first: a CPU's time is never shown as a GPU's."""
    low, high = (Amount(value=each, kind="seconds") for each in (first.p5_s, first.p95_s))
    return Headline(
        name=f"Time, {first.stage}",
        value=first.median_s,
        kind="seconds",
        detail=(f"median on {device}; ", low, " to ", high),
        order=40,
    )


def passes(rows: Sequence[PassRow]) -> Words:
    """Return the passes in one line, for the table of modules."""
    found: Words = ()
    for row in rows:
        median = Amount(value=row.median_s, kind="seconds")
        spread = Amount(value=row.p5_s, to=row.p95_s, kind="seconds")
        found += (SEPARATOR if found else "", f"{row.stage} ", median, " (", spread, ")")
    return found


def taken(conditions: Sequence[ConditionRow]) -> Iterator[Words]:
    """Yield how the times were taken, and the peak that they are compared with."""
    known = {row.name: row.value for row in conditions}
    runs = f"{known['warm-up runs']:,} warm-up + {known['runs']:,} timed runs"
    each = known.get(RUNS_EACH, 1)
    means = "" if each == 1 else f", {each:,} to a sample, which is their mean,"
    yield (f"{runs}{means} on {known['device name']} · clock: {known['clock']}",)
    peak = known["dense peak"]
    if isinstance(peak, int | float):
        what = f"FLOP/s dense {known['number type']} ({known['source of the peak']})"
        yield ("peak = ", Amount(value=float(peak), kind="rate"), what)
