"""One layout of one network, evaluated: memory, work, time and traffic."""

from __future__ import annotations

from archscope.analyses.plan.layout import Layout
from archscope.analyses.plan.network import Told
from archscope.analyses.plan.rows import SentRow
from archscope.analyses.plan.stage_memory import Filled, fill, fullest
from archscope.analyses.plan.traffic import sent_rows
from archscope.analyses.plan.work import Work, work_of
from archscope.records import frozen
from archscope.theory.stages import Stages


@frozen
class Evaluated:
    """What is described for a layout."""

    layout: Layout
    stages: Stages
    """The network's own parts, of one micro-batch."""
    filled: tuple[Filled, ...]
    work: Work
    sent: tuple[SentRow, ...]

    @property
    def fullest(self) -> Filled:
        """The stage that has most."""
        return fullest(self.filled)

    @property
    def memory(self) -> int | None:
        """Bytes on a card of it; None where a part of some stage is not known."""
        totals = [each.total for each in self.filled]
        return None if None in totals else self.fullest.known

    @property
    def sends(self) -> int | None:
        """Bytes that a card sends in a step; None where a kind is not told."""
        sizes = [row.bytes for row in self.sent]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def fits(self, limit: int | None) -> bool | None:
        """Return whether it fits; None where that is not proven."""
        if limit is None:
            return None
        if self.fullest.known > limit:
            return False
        return None if self.memory is None else True


def evaluate(told: Told, layout: Layout) -> Evaluated:
    """Return what is described for a layout; raises `SpecError` where cards cannot share it so."""
    filled = fill(told, layout)
    stages = told.of_batch(layout.micro_batch).stages()
    return Evaluated(
        layout=layout,
        stages=stages,
        filled=filled,
        work=work_of(stages, layout),
        sent=sent_rows(stages, filled, layout),
    )
