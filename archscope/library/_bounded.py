"""Bounds how long a network takes on a card that need not be here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archscope.errors import UsageError
from archscope.library._timed import counted_of, time_subject
from archscope.results import Report
from archscope.study import made
from archscope.subject import Network, Subject


def bound_network(network: Network, gpu: str, **settings: Any) -> Report:
    """Return how long a named network takes at least on a card, on shapes alone; see `time`."""
    word = card(gpu, settings)  # before anything is built
    return bound_subject(made(network.subject), word, **settings)


def bound_subject(subject: Subject, gpu: str, **settings: Any) -> Report:
    """Return how long a subject's forward pass takes at least on a card; see `time`."""
    return time_subject(subject, counted_of(subject), gpu=card(gpu, settings), **settings)


def card(gpu: str, settings: Mapping[str, Any]) -> str:
    """Return the word for a card that is known, and whose peak in the number type is cited.

    Raises `UsageError` for another, and where `settings` ask for something to be run.
    """
    from archscope.analyses.time.roof import require_roof
    from archscope.analyses.time.settings import MEASURING, Settings
    from archscope.hardware import named
    from archscope.timing.precision import named as named_precision

    plain = Settings()
    for name in MEASURING:
        if settings.get(name, getattr(plain, name)) != getattr(plain, name):
            raise UsageError(
                f"--gpu runs nothing, so {MEASURING[name]} has no effect; leave out one of "
                "them. The bound is that of a forward pass."
            )
    dtype = named_precision(settings.get("dtype", plain.dtype))
    return require_roof(named(gpu), dtype).card.word
