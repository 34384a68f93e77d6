"""What N means for a network, and what scaling laws say about its size."""

from __future__ import annotations

from typing import Any

from archscope.analyses.scaling.settings import Settings
from archscope.results import Section
from archscope.subject import Network


def run(network: Network, **settings: Any) -> tuple[Section, ...]:
    """Return every meaning of N of a network, and what scaling laws say of its size.

    No torch where a family tells its layers in closed form; any other is counted by both engines.
    Raises `UsageError` where not all of its work is known.
    """
    from archscope.analyses.scaling.sections import sections

    return sections(network, Settings(**settings))
