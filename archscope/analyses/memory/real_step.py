"""Compares a prediction with one real step on this machine's CPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from archscope.analyses.memory.rows import PEAK, WITH_WORKSPACES, CheckRow
from archscope.analyses.memory.run_step import recipe_of, run_as
from archscope.analyses.memory.settings import Settings
from archscope.errors import ArchscopeError, UsageError
from archscope.subject import Subject

if TYPE_CHECKING:
    from archscope.training.real import Measured


def check_rows(subject: Subject, settings: Settings) -> Iterator[CheckRow]:
    """Run a real step of the whole network, and yield each prediction for it beside what it did.

    What is predicted is the CPU's own step: its dropout, its attention. Raises `ArchscopeError`
    where the network has no data and cannot be made with any, or memory does not do.
    """
    from archscope.training.number_types import NUMBER_TYPES
    from archscope.training.peak import peak
    from archscope.training.real import measure, with_real_data

    if settings.micro_batch is not None:
        raise UsageError("check: a real step runs in one pass; leave --micro-batch out")
    real = with_real_data(subject)
    asked = replace(settings, dropout="cpu", check=False)
    step = run_as(real, asked)
    before = step.inputs + sum(
        held.bytes + held.state for held in (*step.parameters, *step.buffers)
    )
    most = peak(step)
    assert most is not None  # all blocks ran
    predicted = before + most.bytes
    _require_room(predicted)
    found = measure(
        real,
        recipe_of(asked),
        asked.optimizer,
        dtype=NUMBER_TYPES.get(asked.dtype),
        autocast=NUMBER_TYPES.get(asked.autocast),
    )
    saved = sum(each.bytes for each in step.saved)
    yield _row("saved for the backward", saved, found.saved, "what autograd's hooks were given")
    if found.outliving is not None:
        yield _row(
            PEAK,
            predicted,
            found.before + found.outliving,
            "torch's own allocator, all that was there before included, workspaces of kernels left "
            "out; a number that Python writes, as in 2 * x, takes 8 bytes, which are not predicted",
        )
    yield _row(
        WITH_WORKSPACES,
        predicted,
        found.before + found.peak,
        "temporary workspaces inside kernels, whose size is not known in advance" + _largest(found),
    )


def _require_room(predicted: int) -> None:
    """Raise `ArchscopeError` where a step takes more than there is.

    An operating system hands out more memory than it has and ends programs later, without a word.
    """
    from archscope.timing.devices import machine_bytes

    have = machine_bytes()
    if have is not None and predicted > have:
        raise ArchscopeError(
            f"check: a real step takes {predicted / 2**30:.1f} GiB at its peak, this machine "
            f"has {have / 2**30:.1f} GiB; without --check it is predicted"
        )


def _largest(found: Measured) -> str:
    workspace = found.workspace
    if found.outliving is None:
        return "; this torch's profiler does not tell how much that was"
    if workspace is None:
        return "; none did here"
    return f"; the largest is {workspace.bytes:,} bytes, of {workspace.operator}"


def _row(what: str, predicted: int, measured: int, definition: str) -> CheckRow:
    return CheckRow(
        what=what,
        predicted=predicted,
        measured=measured,
        error=predicted / measured - 1 if measured else 0.0,
        definition=definition,
    )
