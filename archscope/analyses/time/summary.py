"""What stands under a table of times: the passes, how they were taken, what peak they are of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    """Yield how the times were taken, and the peak that they are held against."""
    known = {row.name: row for row in conditions}
    wanted = ("warm-up runs", "runs", "clock", "device name")
    if all(name in known for name in wanted):
        warmup, runs, clock, device = (known[name].value for name in wanted)
        yield (f"{warmup} warm-up + {runs} timed runs on {device} · clock: {clock}",)
    peak, source = known.get("dense peak"), known.get("source of the peak")
    if peak is not None and source is not None and isinstance(peak.value, int | float):
        kind = f" {known['number type'].value}" if "number type" in known else ""
        yield (
            "peak = ",
            Amount(value=float(peak.value), kind="rate"),
            f"FLOP/s dense{kind} ({source.value})",
        )
