"""Variants are asked, and each answer is kept at once: what is finished survives whatever comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import islice
from typing import Protocol

from archscope.records import frozen
from archscope.studies.sweep.outcomes import CENSUS, Answer, Outcome
from archscope.sweeping.answering import ALONE, answers, reason_of
from archscope.sweeping.executors import Limits, Pool, open_pool
from archscope.sweeping.question import Question, Variant

HERE = ""
"""The executor that is none: this process, one variant after the other."""
KILLED = "the worker that ran it was killed, as where memory runs out"


class Store(Protocol):
    """Where answers are kept."""

    def plan(self, variants: Sequence[Variant]) -> None:
        """Take note of what there is to ask."""

    def answers(self) -> Mapping[str, Mapping[str, Answer]]:
        """Return what is known already: of each variant by its key, by analyses."""

    def keep(self, key: str, found: Iterable[Answer]) -> None:
        """Keep what was found of a variant, for good."""


class Memory:
    """A store that ends with this process."""

    def __init__(self) -> None:
        self._answers: dict[str, dict[str, Answer]] = {}

    def plan(self, variants: Sequence[Variant]) -> None:
        """Do nothing: nobody else reads it."""

    def answers(self) -> Mapping[str, Mapping[str, Answer]]:
        """Return what was found in this process."""
        return self._answers

    def keep(self, key: str, found: Iterable[Answer]) -> None:
        """Keep answers until this process ends."""
        self._answers.setdefault(key, {}).update((each.analysis, each) for each in found)


@frozen
class Progress:
    """How far a run is."""

    done: int
    """Variants that are answered, those that were known before among them."""
    total: int
    """Variants in all."""
    failed: int
    """Those among the done that failed."""
    left_s: float | None
    """Seconds that the rest will take; None while nobody knows."""


Watch = Callable[[Progress], None]


@frozen
class Plan:
    """How variants are asked."""

    executor: str = HERE
    """What runs them, as typed; empty: this process."""
    limits: Limits = Limits()
    """What it may take."""
    retry: bool = False
    """Whether what has failed before is asked again."""


def run(
    question: Question,
    variants: Sequence[Variant],
    store: Store,
    plan: Plan,
    watch: Watch = lambda progress: None,
) -> None:
    """Ask what is not known yet of all variants; `store` keeps each answer when it is there.

    A `KeyboardInterrupt` goes through, when all that is finished is kept.
    """
    store.plan(variants)
    counter = _Counter(variants, store, watch, retry=plan.retry)
    together = tuple(each for each in question.wanted if each not in ALONE)
    alone = tuple(each for each in question.wanted if each in ALONE)
    todo = counter.todo(together)
    if todo and plan.executor != HERE:
        _elsewhere(question, todo, plan, counter)
    else:
        _here(question, todo, counter)
    _here(question, counter.todo(alone), counter)


Todo = Mapping[str, tuple[Variant, tuple[str, ...]]]
"""Variants by their keys, each with the analyses that are to be asked."""
Waiting = dict[str, tuple[Variant, tuple[str, ...]]]
"""The same, of which each is taken out when it is answered."""


class _Counter:
    """What is to do, and how much of it is done."""

    def __init__(
        self, variants: Sequence[Variant], store: Store, watch: Watch, *, retry: bool
    ) -> None:
        self._variants = {each.key: each for each in variants if not each.outcome.refused}
        self._total = len(variants)
        self._refused = len(variants) - sum(not each.outcome.refused for each in variants)
        self._store, self._watch = store, watch
        # What a condition ruled out by a census alone may be wanted by another one.
        self._known = {
            key: {name: answer for name, answer in each.items() if answer.road != CENSUS}
            for key, each in store.answers().items()
        }
        if retry:
            self._known = {
                key: {name: answer for name, answer in each.items() if not answer.failed}
                for key, each in self._known.items()
            }
        self._began, self._asked = time.monotonic(), 0
        self._left = 0

    def todo(self, analyses: Collection[str]) -> Todo:
        """Return what is still to be asked of these analyses."""
        found = {}
        for key, variant in self._variants.items():
            wanted = tuple(a for a in analyses if a not in self._known.get(key, {}))
            if wanted:
                found[key] = (variant, wanted)
        self._left, self._asked, self._began = len(found), 0, time.monotonic()
        return found

    def keep(self, key: str, found: Sequence[Answer]) -> None:
        """Keep the answers of one variant, and say how far the run is."""
        self._store.keep(key, found)
        self._known.setdefault(key, {}).update((each.analysis, each) for each in found)
        self._asked += 1
        self._left -= 1
        spent = time.monotonic() - self._began
        failed = sum(answer.failed for answer in found)
        self._refused += bool(failed)
        self._watch(
            Progress(
                done=self._total - self._left,
                total=self._total,
                failed=self._refused,
                left_s=spent / self._asked * self._left if self._asked > 2 else None,
            )
        )


def _here(question: Question, todo: Todo, counter: _Counter) -> None:
    for key, (variant, analyses) in todo.items():
        counter.keep(key, answers(question, variant.values, analyses))


def _elsewhere(question: Question, todo: Todo, plan: Plan, counter: _Counter) -> None:
    """Ask workers; those that may have killed theirs are asked once more, each alone."""
    waiting = dict(todo)
    while waiting:
        suspects = _in_pool(question, waiting, plan, counter)
        for key in suspects:
            one = {key: waiting.pop(key)}
            limits = replace(plan.limits, workers=1)
            if _in_pool(question, one, replace(plan, limits=limits), counter):
                _, analyses = todo[key]
                counter.keep(key, [Answer(analysis=each, reason=KILLED) for each in analyses])


def _in_pool(question: Question, waiting: Waiting, plan: Plan, counter: _Counter) -> list[str]:
    """Ask variants in a pool until none is waiting or a worker dies; what is done waits no more.

    Returns those that ran when it died.
    """
    pool = open_pool(plan.executor, plan.limits)
    running: dict[Future[tuple[Answer, ...]], str] = {}
    try:
        if _drained(pool, question, waiting, running, counter):
            pool.executor.shutdown()
            return []
    except BaseException:
        for future, key in running.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                counter.keep(key, future.result())
        raise
    finally:
        pool.stop()
    return list(running.values())


def _drained(
    pool: Pool,
    question: Question,
    waiting: Waiting,
    running: dict[Future[tuple[Answer, ...]], str],
    counter: _Counter,
) -> bool:
    """Ask all that waits, a few at a time; return False where a worker died before the end."""
    rest = iter(list(waiting))
    try:
        while True:
            for key in islice(rest, 2 * pool.workers - len(running)):
                variant, analyses = waiting[key]
                future = pool.executor.submit(answers, question, variant.values, analyses)
                running[future] = key
            if not running:
                return True
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                key = running[future]
                counter.keep(key, _result(future, waiting[key][1]))
                del running[future], waiting[key]
    except BrokenProcessPool:
        return False


def _result(future: Future[tuple[Answer, ...]], analyses: tuple[str, ...]) -> tuple[Answer, ...]:
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except (Exception, CancelledError) as error:  # what a worker could not send
        if type(error).__name__ == "KilledWorker":  # Dask's, after some tries
            return tuple(Answer(analysis=each, reason=KILLED) for each in analyses)
        return tuple(Answer(analysis=each, reason=reason_of(error)) for each in analyses)


def outcomes(variants: Iterable[Variant], store: Store) -> Iterator[Outcome]:
    """Yield every variant with what is known of it."""
    known = store.answers()
    for variant in variants:
        found = known.get(variant.key, {})
        yield replace(variant.outcome, answers=tuple(found.values()))
