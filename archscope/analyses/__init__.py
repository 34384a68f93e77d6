"""Questions that can be asked of a subject: one folder each, with the constant `ANALYSIS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    sections: tuple[Section, ...] = ()
    """Those that it may return, without rows: so that a saved one is read back."""


ANALYSES = Registry("analysis", "archscope.analyses", "ANALYSIS", Analysis)
