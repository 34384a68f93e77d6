"""The multiply-accumulates of a training step, module by module, found in two ways."""

from __future__ import annotations

from typing import Any

from archscope.analyses.train.settings import Settings
from archscope.results import Section
from archscope.subject import Subject


def run(subject: Subject, **settings: Any) -> tuple[Section, ...]:
    """Return what one training step of `subject` multiplies.

    It runs on shapes alone; see `archscope.training.work`. Raises `ForwardError` where the network
    cannot be run so, `ArchscopeError` where nothing can be trained.
    """
    from archscope.analyses.train.sections import sections

    return sections(subject, Settings(**settings))
