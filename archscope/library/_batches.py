"""Times a network with one size of its batch after another."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archscope.errors import UsageError
from archscope.library._timed import with_machine
from archscope.results import Report
from archscope.specs import flags
from archscope.study import analyse
from archscope.subject import Subject


def with_batches(
    models: Sequence[str] | None, fields: Mapping[str, Any], sizes: Sequence[int]
) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Return fields of networks, and the sizes of a batch that are left to be timed one by one.

    A family has a field for one size; of several the largest is built. Modules, and networks of
    one's own, have none: their inputs are cut or repeated.
    """
    if not sizes:
        return dict(fields), ()
    if min(sizes) < 1:
        raise UsageError(f"batch_size is {min(sizes)}; it must be at least 1")
    if models is None:
        return dict(fields), tuple(sizes)
    if not have_batches(models):
        return dict(fields), tuple(sizes)
    return {**fields, "batch_size": max(sizes)}, tuple(sizes) if len(sizes) > 1 else ()


def have_batches(models: Sequence[str]) -> bool:
    """Return whether each of these names is a network with a field for the size of its batch."""
    from archscope import loaders

    for model in models or ("",):
        name = loaders.spelt(model) or loaders.GENERAL[0]
        loader = loaders.find(name)
        spec = loader.spec(name) if loader else None
        if spec is None or all(field.name != "batch_size" for field in flags(spec)):
            return False
    return True


def time_by_batch(
    subject: Subject,
    counted: Report,
    batches: Sequence[int],
    settings: Mapping[str, Any],
    *,
    copy: bool,
    peak: Callable[[Subject], int | None] | None = None,
    have: int | None = None,
) -> Report:
    """Time a subject with each size of the batch; of a CPU, what exceeds it is not tried."""
    from archscope.analyses.time.analysis import CONVENTION, title
    from archscope.analyses.time.settings import Settings
    from archscope.analyses.time.work import counts_of

    def fits(batch: int) -> bool:
        if have is None or peak is None or subject.at_batch is None:
            return True
        needs = peak(subject.at_batch(batch))
        return needs is None or needs <= have

    named = re.sub(r", batch_size \d+| · batch \d+", "", subject.name)
    named += f" · batches {', '.join(map(str, batches))}"
    made = analyse(
        "time",
        replace(subject, name=title(replace(subject, name=named), Settings(**settings))),
        convention=CONVENTION,
        counts=counts_of(counted),
        batches=batches,
        fits=fits,
        copy=copy,
        **settings,
    )
    return with_machine(made)
