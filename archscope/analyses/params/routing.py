"""Notes on mixtures of experts of which it is unknown how many experts a token meets."""

from __future__ import annotations

from collections.abc import Sequence

from archscope.analyses.params.nonzero import named
from archscope.analyses.params.own import Own
from archscope.results import Note


def routing_notes(modules: Sequence[Own]) -> tuple[Note, ...]:
    """Return a note for each reason why the parameters that one token uses are unknown."""
    reasons: dict[str, list[str]] = {}
    for own in modules:
        if own.weights.active is None:
            reasons.setdefault(own.weights.active_unknown, []).append(own.path)
    return tuple(
        Note(
            level="warning",
            text="active parameters are unknown, because it is unknown how many experts a token "
            f"meets in {named(paths)}: {why}",
        )
        for why, paths in reasons.items()
    )
