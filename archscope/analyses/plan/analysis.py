"""What training takes: GPUs, time and money."""

from __future__ import annotations

from typing import Any

from archscope.analyses.plan.settings import Settings
from archscope.results import Section
from archscope.subject import Network


def run(network: Network, **settings: Any) -> tuple[Section, ...]:
    """Return what a card has in a training of `network`, what it computes, and what it costs.

    Raises `SpecError` where cards cannot share it so, `UsageError` for what is no card or size.
    """
    from archscope.analyses.plan.sections import sections

    return sections(network, Settings(**settings))
