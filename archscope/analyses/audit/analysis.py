"""The same network under other counters, side by side, with the reason for each difference."""

from __future__ import annotations

from collections.abc import Callable

from archscope.results import Section
from archscope.subject import Subject


def run(subject: Subject, *, real: Callable[[], Subject] | None = None) -> tuple[Section, ...]:
    """Count `subject` with every counter that is installed; return the sections tools, differences.

    The network must be whole. Where it has no data and is small enough, `real` builds it with
    weights, since some counters need them. Each counter gets a copy, in evaluation mode. Raises
    `ForwardError` where the network cannot be run.
    """
    from archscope.analyses.audit.sections import sections

    return sections(subject, real)
