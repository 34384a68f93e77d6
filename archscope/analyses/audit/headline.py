"""The numbers of an audit that a reader looks for first."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.analyses.audit.rows import AuditTotals
from archscope.results import Amount, Headline


def headline(totals: AuditTotals) -> Iterator[Headline]:
    """Yield what we count, and how many other counters say the same."""
    yield Headline(
        name="Parameters",
        value=totals.our_params,
        kind="work",
        detail=(Amount(value=totals.our_params, kind="count"), " exactly"),
        about="params",
        order=10,
    )
    exact = (Amount(value=totals.our_macs, kind="count"),)
    yield Headline(
        name="MACs, one forward pass",
        value=totals.our_macs,
        kind="work",
        detail=(*exact, " exactly") if totals.complete else ("≥ ", *exact),
        level="" if totals.complete else "warning",
        bound=not totals.complete,
        about="macs",
        order=20,
    )
    rest = totals.counters - totals.agreeing
    if totals.unexplained:
        said = f"{totals.unexplained} with a difference that has no explanation"
    else:
        said = "each difference of the others is explained" if rest else "none differs"
    yield Headline(
        name="Other counters that agree",
        value=f"{totals.agreeing} of {totals.counters}",
        kind="text",
        detail=(said,),
        level="warning" if totals.unexplained else "ok",
        order=50,
    )
