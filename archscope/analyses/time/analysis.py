"""How long a network takes on this machine, where the time goes, and whether that is good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archscope.analyses.time.settings import Settings
from archscope.errors import ForwardError
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


def run(
    subject: Subject,
    *,
    counts: Counts | None = None,
    sketch: Subject | None = None,
    gpu: str | None = None,
    batches: Sequence[int] = (),
    fits: Callable[[int], bool] = lambda batch: True,
    step_bytes: int | None = None,
    **settings: Any,
) -> tuple[Section, ...]:
    """Time `subject` and return the sections passes, layers (where wanted), samples, conditions.

    `counts` are the multiply-accumulates that `params` counted; without them FLOP/s are unknown.
    `step_bytes` are what a step of decoding reads at least.
    `sketch` is the same network as cheap to run on shapes as there is. `settings` are the fields of
    `Settings`. With `batches` the sections are batches, samples and conditions, a row for each size
    that `fits`, until memory ends. With `gpu`, the word for a card, nothing is timed: `counts` are
    needed, and the sections are bounds and conditions.
    """
    from archscope.analyses.time.work import moved_by
    from archscope.timing.precision import named as named_precision

    asked = Settings(**settings)
    precision = named_precision(asked.dtype)
    if gpu is not None:
        from archscope.analyses.time.bounds import bounds
        from archscope.analyses.time.roof import require_roof
        from archscope.hardware import named

        roof = require_roof(named(gpu), precision)
        assert counts is not None
        return bounds(subject, roof, counts, moved_by(subject, precision))
    if batches:
        from archscope.analyses.time.batches import by_batch

        return by_batch(subject, batches, counts, asked, fits)
    from archscope.analyses.time.measure import measure
    from archscope.analyses.time.sections import sections

    found = measure(subject, asked)
    if found.interrupted and not asked.keep_interrupted:
        raise KeyboardInterrupt
    found = replace(found, step_bytes=step_bytes)
    if found.layers is not None and asked.step != "decode":
        with suppress(ForwardError):
            moved = moved_by(sketch or subject, found.precision)
            found = replace(found, traffic=moved.own)
    return sections(subject, found, counts)


def title(subject: Subject, settings: Settings, gpu: str | None = None) -> str:
    """Return the line above a table of times: what ran, and on what, or for which card."""
    import torch

    from archscope.timing.devices import name_of, resolve

    if gpu is not None:
        return f"time · {subject.name} · {settings.dtype} · lower bound on {gpu}, nothing was run"
    words = [
        "time",
        subject.name,
        settings.dtype,
        *(["training"] if settings.step == "train" else []),
        *([f"decoding, context {settings.context:,}"] if settings.step == "decode" else []),
        name_of(resolve(settings.device)),
        f"torch {torch.__version__}",
        "compiled" if settings.compiled else "eager",
        *(["channels last"] if settings.channels_last else []),
        *([f"autocast {settings.autocast}"] if settings.autocast else []),
        *([f"attention {settings.attention_kernel}"] if settings.attention_kernel else []),
    ]
    return " · ".join(words)
