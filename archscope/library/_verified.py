"""Compares what closed forms say of a variant with both engines and the operators that it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archscope.errors import ArchscopeError
from archscope.library._params import count_subject
from archscope.library._rf import see_network
from archscope.results import Report
from archscope.study import made
from archscope.subject import Network

TOGETHER = 4
"""How many times the work that one analysis does unasked all variants may take together."""
ROUNDING = 1e-9
"""By how much two shares may differ and be the same number."""


class Verifier:
    """Verifies variants; what the operators see is looked at once where the batch alone differs.

    Where looking at the operators would cost more than a second or two, or all before have cost
    several, it is told as not looked at, unless it is to be done `thoroughly`.
    """

    def __init__(self, *, thoroughly: bool) -> None:
        from archscope.analyses.rf.agreement import CHEAP_WORK

        self._thoroughly = thoroughly
        self._seen: dict[Any, Report] = {}
        self._left = TOGETHER * CHEAP_WORK

    def verified(self, network: Network, row: Any) -> Any:
        """Return a row with what both engines and the operators say where they differ from it."""
        says = row.receptive_field is not None and network.sketch is not None
        looks = says and (self._thoroughly or self._may_look(network))
        try:
            counted = count_subject(made(network.subject))
            seen = self._see(network) if looks else None
        except ArchscopeError as error:
            return replace(row, verified=f"no: {str(error).splitlines()[0]}")
        from archscope.counting.launches import launches

        calls = ((each.operator, each.calls) for each in counted.section("operators").rows)
        differences = "; ".join((*_counts(counted, row), *_views(seen, row)))
        agreed = "counts" if says and not looks else "yes"
        said = f"no: {differences}" if differences else agreed
        return replace(row, launches=launches(calls), verified=said)

    def _may_look(self, network: Network) -> bool:
        """Return whether the operators can be looked at in passing, and take that as done."""
        from archscope.analyses.rf.agreement import CHEAP_WORK, work_of_looking
        from archscope.analyses.rf.closed_form.answer import closed_form

        if _alike(network) in self._seen:
            return True
        assert network.sketch is not None
        outline = network.sketch().outline
        work = work_of_looking(outline, closed_form(outline))
        if work is None or work > min(self._left, CHEAP_WORK):
            return False
        self._left -= work
        return True

    def _see(self, network: Network) -> Report:
        kind = _alike(network)
        if kind not in self._seen:
            self._seen[kind] = see_network(network, graph=self._thoroughly, compare=True)
        return self._seen[kind]


def _alike(network: Network) -> Any:
    """Return what networks have in common of which the batch alone differs."""
    spec = network.spec
    return replace(spec, batch_size=1) if hasattr(spec, "batch_size") else spec


def _counts(counted: Report, row: Any) -> Iterator[str]:
    totals = counted.totals
    if not totals.complete:
        yield "the engines leave some work open"
    params = totals.trainable + totals.frozen
    if row.params is not None and params != row.params:
        yield f"the engines count {params:,} parameters"
    if row.macs is not None and totals.macs != row.macs:
        yield f"the engines count {totals.macs:,} MACs"


def _views(seen: Report | None, row: Any) -> Iterator[str]:
    if seen is None:
        return
    totals = seen.totals
    window = totals.local_field or totals.receptive_field
    if row.receptive_field is not None and window != row.receptive_field:
        yield f"the operators see {'×'.join(map(str, window))}"
    if row.ahead is not None and totals.look_ahead is not None and totals.look_ahead != row.ahead:
        yield f"the operators see {'×'.join(map(str, totals.look_ahead))} ahead"
    both = row.coverage is not None and totals.coverage is not None
    if both and abs(totals.coverage - row.coverage) > ROUNDING:
        yield f"the operators reach {totals.coverage:.2%} of it"
