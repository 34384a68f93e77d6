"""How long each module takes by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

from torch import nn

from archscope.records import frozen
from archscope.running.module_stack import Hook, ModuleStack
from archscope.timing.clocks import Clock
from archscope.timing.statistics import percentile

_MARGIN = 1.5
"""So much longer than the host took for the pass before."""
_MOST_AHEAD = 10_000


@frozen
class LayerTimes:
    """The modules of one forward pass, by path; those whose forward never ran are not here."""

    own_s: Mapping[str, float]
    """Median of the time that each module takes outside its submodules, all its calls together."""
    calls: Mapping[str, int]
    """How often each module runs in one pass."""
    types: Mapping[str, str]
    """Class name of each module that ran, those that a module is part of first."""
    runs: int
    """How many passes were timed."""
    interrupted: bool
    """Whether the user ended it."""

    @property
    def total_s(self) -> float:
        """The sum over all modules."""
        return sum(self.own_s.values())


def time_layers(
    model: nn.Module,
    call: Callable[[], object],
    clock: Clock,
    *,
    runs: int,
    before: Callable[[], object] | None = None,
    ahead: Callable[[], object] | None = None,
) -> LayerTimes:
    """Time each module of `runs` forward passes by marks before and after its forward.

    The marks are set by hooks, which are gone afterwards, also after an error. The pass runs once
    before that without being timed. In front of each pass a queue gets so much of the work `ahead`
    that the host has asked for the whole pass before the device begins it: where it waits for the
    host, the marks show how long the host took.
    """
    passes: list[dict[str, float]] = []
    calls: Mapping[str, int] = {}
    interrupted = False
    host_s = 0.0
    try:
        for number in range(runs + 1):
            marks: list[_Mark] = []
            if ahead is not None and number:
                for _ in range(_enough(host_s, ahead, clock)):
                    ahead()
            if before is not None:
                before()
            begin, end = (_marking(marks, clock, begins=begins) for begins in (True, False))
            with ModuleStack(model, on_enter=begin, on_exit=end) as stack:
                start = clock.now()
                call()
                host_s = clock.now() - start
            clock.wait()
            if number:
                passes.append(_own_seconds(marks, clock))
                calls = stack.calls
    except KeyboardInterrupt:
        interrupted = True
    paths = passes[0] if passes else ()
    own = {path: percentile(sorted(one.get(path, 0.0) for one in passes), 0.5) for path in paths}
    types = {path: type(each).__name__ for path, each in model.named_modules() if path in own}
    return LayerTimes(
        own_s=own, calls=calls, types=types, runs=len(passes), interrupted=interrupted
    )


_Mark = tuple[str, bool, Any]
"""Path of a module, whether it begins or ends, and the clock's mark of when."""


def _marking(marks: list[_Mark], clock: Clock, *, begins: bool) -> Hook:
    return lambda path, _: marks.append((path, begins, clock.mark()))


def _enough(host_s: float, ahead: Callable[[], object], clock: Clock) -> int:
    """Return how often some work keeps the device for as long as the host needs for a pass."""
    start = clock.mark()
    ahead()
    end = clock.mark()
    clock.wait()
    return min(ceil(_MARGIN * host_s / max(clock.seconds(start, end), 1e-9)), _MOST_AHEAD)


def _own_seconds(marks: Sequence[_Mark], clock: Clock) -> dict[str, float]:
    """Return each module's time outside the modules that it calls.

    One that the model ended by catching an error is part of its caller.
    """
    found: defaultdict[str, float] = defaultdict(float)
    running: list[list[Any]] = []
    for path, begins, mark in marks:
        if begins:
            running.append([path, mark, 0.0])
            continue
        inner = 0.0
        while running:
            last, start, within = running.pop()
            inner += within
            if last == path:
                whole = clock.seconds(start, mark)
                found[path] += max(whole - inner, 0.0)
                if running:
                    running[-1][2] += whole
                break
    return dict(found)
