"""How long a network takes on this machine, where the time goes, and whether that is good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archscope.analyses.time.settings import Settings
from archscope.results import Convention, Section
from archscope.subject import Subject

if TYPE_CHECKING:
    from archscope.analyses.time.work import Counts


CONVENTION = Convention(
    name="2 x MACs",
    flops_per_multiply_add=2,
    text=(
        "1 multiply-accumulate (MAC) = 2 FLOPs, as peaks are printed; norms, biases and other "
        "elementwise work take time but count no FLOPs"
    ),
)
"""What FLOP/s means here."""


def run(subject: Subject, *, counts: Counts | None = None, **settings: Any) -> tuple[Section, ...]:
    """Time `subject` and return the sections passes, layers (where wanted), samples, conditions.

    `counts` are the multiply-accumulates that `params` counted; without them FLOP/s are unknown.
    `settings` are the fields of `Settings`.
    """
    from archscope.analyses.time.measure import measure
    from archscope.analyses.time.sections import sections

    found = measure(subject, Settings(**settings))
    if found.interrupted and not found.settings.keep_interrupted:
        raise KeyboardInterrupt
    return sections(subject, found, counts)


def title(subject: Subject, settings: Settings) -> str:
    """Return the line above a table of times: what ran, and on what."""
    import torch

    from archscope.timing.devices import name_of, resolve

    words = [
        "time",
        subject.name,
        settings.dtype,
        *(["training"] if settings.step == "train" else []),
        name_of(resolve(settings.device)),
        f"torch {torch.__version__}",
        "compiled" if settings.compiled else "eager",
    ]
    return " · ".join(words)
