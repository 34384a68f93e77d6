"""Runs a pass again and again: warms up until it settles, samples, keeps to a budget.

On a device that works through a queue nothing waits between two runs: marks are put into the queue
and read a block at a time. Each block opens with a run that is not measured, so that no measured
one finds the queue empty and times the host instead.

Elsewhere a sample of a short pass is the mean of several runs, as the blocks of
`torch.utils.benchmark` are: what one run of some microseconds shows is how clocks and caches stood.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil, inf
from typing import Any

from archscope.garbage import uncollected
from archscope.progress import doing
from archscope.records import frozen
from archscope.timing.clocks import Clock
from archscope.timing.statistics import percentile

SETTLED = 0.02
"""Warm-up ends where the medians of two windows are no further apart than this share."""
WINDOWS = 10
"""Warm-up ends after so many windows, settled or not."""
WARMUP_SHARE = 0.1
"""Warm-up ends after this share of the budget, settled or not."""
BLOCK_SECONDS = 0.2
"""How long a queue works before it is looked at: for the budget, the progress, an interrupt."""
FEWEST = 3
"""Samples that are taken even where the budget is over."""
SAMPLE_SECONDS = 0.002
"""So long a sample takes at least where there is no queue. Means of shorter ones are skewed: of a
pass of 0.2 ms, at 1 ms, the median is 1.5% below that of the blocks of `torch.utils.benchmark`;
those of longer ones spread too little to hold the next such median.
"""
MOST_RUNS = 10_000
"""No sample is the mean of more runs."""


@frozen
class Stage:
    """A part of a pass that is timed by itself."""

    name: str
    """E.g. `forward`."""
    run: Callable[[], object]
    before: Callable[[], object] | None = None
    """Runs unmeasured before it."""


@frozen
class Plan:
    """How much to measure."""

    warmup: int = 20
    """Runs before the first sample, at least."""
    runs: int = 100
    """Samples, at most."""
    budget_s: float = 10.0
    """Seconds for both together, about."""
    sample_s: float = SAMPLE_SECONDS
    """Of a shorter pass each sample is the mean of so many runs as take that long; 0: of one."""


@frozen
class Samples:
    """What was measured."""

    seconds: tuple[tuple[float, ...], ...]
    """For each sample the time of each stage, in the order of the stages: the mean of its runs."""
    warmup_runs: int
    settled: bool
    """Whether the median stood still when the warm-up ended."""
    budget_spent: bool
    """Whether the budget ended the sampling before all runs were done."""
    interrupted: bool
    """Whether the user ended it."""
    runs_each: int = 1
    """How many runs each sample is the mean of."""

    def stage(self, index: int) -> tuple[float, ...]:
        """Return all samples of one stage."""
        return tuple(each[index] for each in self.seconds)

    def whole(self) -> tuple[float, ...]:
        """Return all samples of the stages together."""
        return tuple(map(sum, self.seconds))


def sample(
    stages: Sequence[Stage],
    clock: Clock,
    plan: Plan,
    *,
    before: Callable[[], object] | None = None,
    what: str = "timing",
) -> Samples:
    """Warm up, then time each stage up to `plan.runs` times; `before` runs unmeasured each time.

    `what` that is called is told now and then, between two samples alone: all else would take time
    of theirs. Ctrl-C ends it: what was measured until then is returned.
    """
    loop = _Loop(stages, clock, plan, before, what)
    interrupted = False
    with uncollected():  # not in the middle of a run, as `timeit` does
        try:
            loop.warm_up()
            loop.measure()
        except KeyboardInterrupt:
            interrupted = True
            loop.keep_what_is_complete()
    return Samples(
        seconds=tuple(loop.measured),
        warmup_runs=loop.warmup_runs,
        settled=loop.settled,
        budget_spent=not interrupted and len(loop.measured) < plan.runs,
        interrupted=interrupted,
        runs_each=loop.runs_each,
    )


@dataclass(slots=True)
class _Loop:
    """One sampling, as far as it got."""

    stages: Sequence[Stage]
    clock: Clock
    plan: Plan
    before: Callable[[], object] | None
    what: str
    measured: list[tuple[float, ...]] = field(default_factory=list)
    warmup_runs: int = 0
    settled: bool = False
    runs_each: int = 1
    _warm: bool = False
    _marks: list[list[tuple[Any, Any]]] = field(default_factory=list)
    """The marks around each stage of each complete run that were not read yet."""
    _least_s: float = inf
    """The least median of a window: one may be longer because the host was held up."""
    _run_s: float | None = None
    """How long one run takes at the host, by the last block."""
    _start: float = 0.0
    _told: float = 0.0

    def __post_init__(self) -> None:
        self._start = self._told = self.clock.now()

    def warm_up(self) -> None:
        """Run in windows of half the warm-up until two of them agree."""
        doing("warming up", still=True)
        if self.plan.warmup:
            self._settle(ceil(self.plan.warmup / 2))
        self._marks.clear()
        self._warm = True

    def _settle(self, size: int) -> None:
        deadline = self._start + WARMUP_SHARE * self.plan.budget_s
        before = None
        for _ in range(WINDOWS):
            window: list[tuple[float, ...]] = []
            while len(window) < size:
                self.warmup_runs += self._block(size - len(window))
                window += self._read()
                if self.clock.now() > deadline:
                    return
            after = percentile(sorted(map(sum, window)), 0.5)
            self._least_s = min(self._least_s, after)
            self.runs_each = self._runs_of_a_sample(self._least_s)
            self.settled = before is not None and abs(after - before) <= SETTLED * before
            if self.settled:
                return
            before = after

    def measure(self) -> None:
        """Take samples until there are enough, or the budget is over."""
        doing(self.what, still=True)
        deadline = self._start + self.plan.budget_s
        while len(self.measured) < self.plan.runs:
            self._block(self.plan.runs - len(self.measured))
            self.measured += self._read()
            now = self.clock.now()
            if now > deadline and len(self.measured) >= FEWEST:
                return
            self._tell(now, deadline)

    def keep_what_is_complete(self) -> None:
        """Read the samples of a block that was cut off before its end."""
        if self._warm:
            self.clock.wait()
            self.measured += self._read()

    def _runs_of_a_sample(self, run_s: float) -> int:
        if self.clock.queued:
            return 1
        return min(max(1, ceil(self.plan.sample_s / max(run_s, 1e-9))), MOST_RUNS)

    def _block(self, wanted: int) -> int:
        """Run for as many samples as go into a block, at most `wanted`; return how often in all."""
        start = self.clock.now()
        leading = 0
        if self.clock.queued:
            leading = 1
            self._run()
        samples = min(wanted, self._samples_per_block())
        for _ in range(samples):
            self._marks += self._sample()
        runs = samples * self.runs_each
        self.clock.wait()
        self._run_s = (self.clock.now() - start) / (leading + runs)
        return leading + runs

    def _samples_per_block(self) -> int:
        if not self.clock.queued or self._run_s is None:
            return 1
        return max(1, int(BLOCK_SECONDS / max(self._run_s, 1e-9)))

    def _sample(self) -> list[list[tuple[Any, Any]]]:
        """Run as often as one sample holds and return the marks around each run, or all of them."""
        if not self._alone:
            return [self._run() for _ in range(self.runs_each)]
        run = self.stages[0].run
        start = self.clock.mark()
        for _ in range(self.runs_each):
            run()
        return [[(start, self.clock.mark())]]

    @property
    def _alone(self) -> bool:
        """Whether nothing stands between two runs, so that no clock need be read between them."""
        (first, *others) = self.stages
        return not (others or first.before or self.before or self.clock.queued)

    def _run(self) -> list[tuple[Any, Any]]:
        """Run all stages once and return the marks around each."""
        if self.before is not None:
            self.before()
        last = self.clock.mark()
        marks = []
        for stage in self.stages:
            if stage.before is not None:
                stage.before()
                last = self.clock.mark()
            stage.run()
            start, last = last, self.clock.mark()
            marks.append((start, last))
        return marks

    def _read(self) -> list[tuple[float, ...]]:
        """Return samples of the times between the marks; the device must have reached them."""
        read = [tuple(self.clock.seconds(*pair) for pair in marks) for marks in self._marks]
        self._marks.clear()
        if self._alone:
            return [(seconds / self.runs_each,) for (seconds,) in read]
        ends = range(self.runs_each, len(read) + 1, self.runs_each)
        return [_mean(read[end - self.runs_each : end]) for end in ends]

    def _tell(self, now: float, deadline: float) -> None:
        """Between two blocks: sweep what became garbage, tell how far it is."""
        if now - self._told < BLOCK_SECONDS:
            return
        self._told = now
        gc.collect(0)
        missing = (self.plan.runs - len(self.measured)) * self.runs_each
        left = min(max(deadline - now, 0.0), missing * (self._run_s or 0.0))
        passed = now - self._start
        doing(self.what, done=passed / (passed + left), left_s=left, still=True)


def _mean(runs: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """Return the mean of each stage."""
    return tuple(sum(times) / len(runs) for times in zip(*runs, strict=True))
