"""Holds a prediction against one real step on this machine's CPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.analyses.memory.ran import recipe_of, run_as
from archscope.analyses.memory.rows import CheckRow
from archscope.analyses.memory.settings import Settings
from archscope.errors import UsageError
from archscope.subject import Subject


def check_rows(subject: Subject, settings: Settings) -> Iterator[CheckRow]:
    """Run a real step of the whole network, and yield each prediction for it beside what it did.

    What is predicted is the CPU's own step: its dropout, its attention. Raises `ArchscopeError`
    where the network has no data and cannot be made with any, or memory does not do.
    """
    from archscope.training.peak import peak
    from archscope.training.real import measure, with_real_data

    if settings.micro_batch is not None:
        raise UsageError("check: a real step runs in one pass; leave --micro-batch out")
    real = with_real_data(subject)
    asked = replace(settings, dropout="cpu", check=False)
    step = run_as(real, asked)
    found = measure(real, recipe_of(asked), asked.optimizer)
    saved = sum(each.bytes for each in step.saved)
    yield _row("saved for the backward", saved, found.saved, "what autograd's hooks were given")
    before = step.inputs + sum(
        held.bytes + held.state for held in (*step.parameters, *step.buffers)
    )
    most = peak(step)
    assert most is not None  # all blocks ran
    predicted = before + most.bytes
    yield _row(
        "peak of the step",
        predicted,
        found.before + found.peak,
        "torch's own allocator, all that was there before included",
    )


def _row(what: str, predicted: int, measured: int, definition: str) -> CheckRow:
    return CheckRow(
        what=what,
        predicted=predicted,
        measured=measured,
        error=predicted / measured - 1 if measured else 0.0,
        definition=definition,
    )
