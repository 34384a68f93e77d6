"""The costs of the usual ways to train a network, side by side."""

from __future__ import annotations

from typing import Any

from archscope.analyses.finetune.settings import Settings
from archscope.results import Section
from archscope.subject import Subject


def run(subject: Subject, **settings: Any) -> tuple[Section, ...]:
    """Return what a step of `subject` keeps and multiplies, trained in each of four ways.

    All runs on shapes alone, as `memory` and `train` do. A way that this network has not is named
    in a note. Raises `ForwardError` where it cannot be run so, `ArchscopeError` where nothing can
    be trained.
    """
    from archscope.analyses.finetune.sections import sections

    return sections(subject, Settings(**settings))
