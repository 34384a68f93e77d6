"""What a training step keeps in memory, and its peak."""

from __future__ import annotations

from typing import Any

from archscope.analyses.memory.settings import Settings
from archscope.results import Section
from archscope.subject import Subject


def run(subject: Subject, **settings: Any) -> tuple[Section, ...]:
    """Return what one training step of `subject` keeps, module by module, and its peak.

    The step runs on tensors without data; see `archscope.training.step`. Raises `ForwardError`
    where the network cannot be run so, `ArchscopeError` where nothing can be trained.
    """
    from archscope.analyses.memory.sections import sections

    return sections(subject, Settings(**settings))
