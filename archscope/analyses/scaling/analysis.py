"""What N means of a network, and what scaling laws say of its size."""

from __future__ import annotations

from typing import Any

from archscope.analyses.scaling.settings import Settings
from archscope.results import Section
from archscope.subject import Network


def run(network: Network, **settings: Any) -> tuple[Section, ...]:
    """Return every meaning of N, and the scaling laws, of a network that a family tells.

    No torch. Raises `UsageError` for a network whose layers no family tells in closed form.
    """
    from archscope.analyses.scaling.sections import sections

    return sections(network, Settings(**settings))
