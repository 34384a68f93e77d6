"""Questions that can be asked of a subject: one folder each, with the constant `ANALYSIS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from archscope.registry import Registry
from archscope.results import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """A question that can be asked of a `Subject`."""

    name: str
    """What the user types, e.g. `params`."""
    summary: str
    """One line for `archscope list`."""
    run: Callable[..., tuple[Section, ...]]
    """`run(subject, **settings)`; raises `ArchscopeError` where there is no answer at all."""
    on_data: bool = False
    """Whether it needs the whole network with weights and inputs, not its shapes alone."""
    sections: Mapping[str, type] = field(default_factory=dict)
    """The row type of each section that it may return, by name: so that a saved one is read."""
    totals: Mapping[str, type] = field(default_factory=dict)
    """The type of the totals of those sections that have any."""


ANALYSES = Registry("analysis", "archscope.analyses", "ANALYSIS", Analysis)
