"""What torch's CPU allocator hands out while something runs, by the profiler's own events."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import accumulate
from typing import Any

from archscope.errors import ArchscopeError
from archscope.records import frozen


class UnseenError(ArchscopeError):
    """What an allocator does cannot be seen; the message is the reason, in a clause."""


@frozen
class Handed:
    """One block of memory as the allocator handed it out, or got it back."""

    bytes: int
    """Its size; below 0 where it came back."""
    block: int
    """Its address: the same for both, until another block gets it."""
    operator: str
    """The operator within which that was; empty: between operators."""
    call: int
    """The number of that operator's call, counted from 1; 0: between operators."""


def handed_out(runs: Sequence[Callable[[], object]]) -> tuple[tuple[Handed, ...], ...]:
    """Run one thing after the other, twice over; return what the CPU allocator did in each run.

    In the first round blocks come back whose sizes the profiler never saw; what counts is the
    second. Memory that a library takes past torch's allocator, as for its own threads, is not seen.
    Raises `UnseenError` where another profiler runs, which a second one would end, or where torch
    tells nothing of its allocator.
    """
    import torch
    from torch.autograd.profiler import profile, record_function
    from torch.utils._python_dispatch import _disable_current_modes

    if _is_profiled():
        raise UnseenError("another profiler of torch runs meanwhile")

    def marked(run: Callable[[], object]) -> None:
        with _disable_current_modes(), record_function(_TURN):
            torch.empty(1, device="cpu")  # a mode would hide where it stands
        run()

    # Not `torch.profiler`, which loads all of torch's compiler to ask it for a flag: a second.
    profiler = profile(profile_memory=True, use_kineto=True)
    with _without_words():
        profiler.__enter__()
    try:
        with _without_words():
            for run in runs:
                marked(run)
        for run in runs:
            marked(run)
    finally:
        with _without_words():
            profiler.__exit__(None, None, None)
    results: Any = profiler.kineto_results
    tree = results.experimental_event_tree()
    turns = [event for event in tree if event.name == _TURN]
    if not all(any(map(_is_memory, turn.children)) for turn in turns) or not turns:
        raise UnseenError("torch's profiler does not report its allocator here")
    starts = sorted(event.start_time_ns for event in turns)
    found: list[list[Handed]] = [[] for _ in (*runs, *runs)]
    for time, handed in sorted(_handed(tree), key=lambda each: each[0]):
        found[bisect_right(starts, time) - 1].append(handed)
    return tuple(map(tuple, found))


def most(handed: Sequence[Handed]) -> int:
    """Return the most bytes that were out at once, beside what was out before; at least 0."""
    return max(accumulate((each.bytes for each in handed), initial=0))


def still_out(handed: Iterable[Handed]) -> int:
    """Return the bytes of what was handed out and did not come back.

    What comes back that was out before says nothing: the profiler knows its size by chance.
    """
    out: dict[int, int] = {}
    for each in handed:
        if each.bytes > 0:
            out[each.block] = each.bytes
        else:
            out.pop(each.block, None)
    return sum(out.values())


def without_workspaces(handed: Sequence[Handed]) -> tuple[Handed, ...] | None:
    """Return what outlives the operator that took it; None where no operator is told.

    The profiler of older torch does not say within which call of an operator a block was taken.
    """
    if handed and not any(each.call for each in handed):
        return None
    own = _own(handed)
    return tuple(each for number, each in enumerate(handed) if number not in own)


def largest_workspace(handed: Sequence[Handed]) -> Handed | None:
    """Return the largest block that an operator took for itself and gave back; None: none did."""
    taken = [handed[number] for number in _own(handed)]
    return max(taken, key=lambda each: each.bytes, default=None)


def _own(handed: Sequence[Handed]) -> set[int]:
    """Return the places of what came back within the same call of an operator that took it."""
    out: dict[int, int] = {}
    own: set[int] = set()
    for number, each in enumerate(handed):
        if each.bytes > 0:
            out[each.block] = number
        elif each.block in out:
            taken = out.pop(each.block)
            if each.call and handed[taken].call == each.call:
                own |= {taken, number}
    return own


_TURN = "archscope: the next to run"
_MARK = "PythonDispatchMode"
"""What the profiler calls the turn of a dispatch mode: an operator as autograd asked for it."""


def _handed(tree: Sequence[Any]) -> Iterator[tuple[int, Handed]]:
    """Yield each event of memory with its time; a deep graph must not end in a deep recursion."""
    waiting: list[tuple[Any, str, int]] = [(event, "", 0) for event in tree]
    calls = 0
    while waiting:
        event, operator, call = waiting.pop()
        if event.name == _TURN:
            continue
        found = event.extra_fields
        if _is_memory(event):
            if found.device.type == "cpu":
                yield (
                    event.start_time_ns,
                    Handed(
                        bytes=found.alloc_size, block=found.ptr or 0, operator=operator, call=call
                    ),
                )
            continue
        if not call and event.name == _MARK and event.children:
            calls += 1
            call, operator = calls, _operator(event)
        waiting += [(child, operator, call) for child in event.children]


def _is_memory(event: Any) -> bool:
    return type(event.extra_fields).__name__ == "_ExtraFields_Allocation"


def _is_profiled() -> bool:
    """Return whether a profiler runs, on whatever thread: they share what they write to."""
    import torch

    here = getattr(torch.autograd, "_profiler_enabled", lambda: False)()
    return bool(here or getattr(torch.autograd.profiler, "_is_profiler_enabled", False))


def _operator(mark: Any) -> str:
    names = (child.name for child in mark.children if child.name.startswith("aten::"))
    return next(names, "")


@contextmanager
def _without_words() -> Iterator[None]:
    """Silence what torch's profiler writes to the process's stderr; it does so past Python."""
    try:
        kept = os.dup(2)
    except OSError:  # stderr is closed: there is nothing to silence
        yield
        return
    try:
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
