"""Runs variants and stores each answer at once, so that finished work is never lost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from queue import SimpleQueue
from typing import Protocol

from archscope.records import frozen
from archscope.studies.sweep.outcomes import CENSUS, Answer, Outcome
from archscope.sweeping.answering import ALONE, answers, reason_of, several_answers
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
    """Ask workers; those that may have killed theirs are asked once more, one after the other."""
    waiting = dict(todo)
    alone = replace(plan, limits=replace(plan.limits, workers=1))
    while waiting:
        suspects = _in_pool(question, waiting, plan, counter)
        again = {key: waiting.pop(key) for key in suspects}
        while again:
            for key in _in_pool(question, again, alone, counter, alone=True):
                _, analyses = again.pop(key)
                counter.keep(key, [Answer(analysis=each, reason=KILLED) for each in analyses])


Batch = Future[list[tuple[Answer, ...]]]
"""A few variants that a worker is asked at once."""
BATCH_SECONDS = 0.05
"""About how long a worker is busy with a batch: sending it and what is found takes 0.5 ms."""


class _Rest:
    """The variants that no worker has yet, given out in batches."""

    def __init__(self, keys: Iterable[str], workers: int) -> None:
        self._keys, self._alone = deque(keys), deque[str]()
        self._workers = workers
        self._began, self._answered = time.monotonic(), 0

    def batch(self) -> list[str]:
        """Return the keys of the next batch, which are no more; one, while nobody knows better."""
        if self._alone:
            return [self._alone.popleft()]
        spent = (time.monotonic() - self._began) * self._workers
        many = int(BATCH_SECONDS * self._answered / spent) if self._answered else 1
        fair = len(self._keys) // (4 * self._workers)  # so that all end together
        return [self._keys.popleft() for _ in range(min(len(self._keys), max(1, min(many, fair))))]

    def answered(self, keys: Sequence[str]) -> None:
        """Take note that these have been answered."""
        self._answered += len(keys)

    def again(self, keys: Iterable[str]) -> None:
        """Give these out once more, each alone."""
        self._alone.extend(keys)


def _in_pool(
    question: Question, waiting: Waiting, plan: Plan, counter: _Counter, *, alone: bool = False
) -> list[str]:
    """Ask variants in a pool until none is waiting or a worker dies; what is done waits no more.

    Returns those that ran when it died: `alone`, no more than one.
    """
    pool = open_pool(plan.executor, plan.limits)
    running: dict[Batch, list[str]] = {}
    try:
        if _drained(pool, question, waiting, running, counter, alone=alone):
            pool.executor.shutdown()
            return []
    except BaseException:
        for batch, keys in running.items():
            if batch.done() and not batch.cancelled() and batch.exception() is None:
                for key, found in zip(keys, batch.result(), strict=True):
                    counter.keep(key, found)
        raise
    finally:
        pool.stop()
    return [key for keys in running.values() for key in keys]


def _drained(
    pool: Pool,
    question: Question,
    waiting: Waiting,
    running: dict[Batch, list[str]],
    counter: _Counter,
    *,
    alone: bool,
) -> bool:
    """Ask all that waits, a few at a time; return False where a worker died before the end."""
    rest = _Rest(() if alone else waiting, pool.workers)
    rest.again(waiting if alone else ())
    most = 1 if alone else 2 * pool.workers
    finished: SimpleQueue[Batch] = SimpleQueue()
    try:
        while True:
            while len(running) < most and (keys := rest.batch()):
                asked = [(waiting[key][0].values, waiting[key][1]) for key in keys]
                batch = pool.executor.submit(several_answers, question, asked)
                running[batch] = keys
                batch.add_done_callback(finished.put)
            if not running:
                return True
            batch = finished.get()
            keys = running[batch]
            if len(keys) > 1 and _was_lost(batch):
                rest.again(keys)
            else:
                for key, found in zip(keys, _found(batch, waiting[keys[0]][1]), strict=True):
                    counter.keep(key, found)
                    del waiting[key]
                rest.answered(keys)
            del running[batch]
    except BrokenProcessPool:
        return False


def _was_lost(batch: Batch) -> bool:
    """Return whether an answer could not be sent; raises `BrokenProcessPool` if a worker died."""
    error = None if batch.cancelled() else batch.exception()
    if isinstance(error, BrokenProcessPool):
        raise error
    return batch.cancelled() or isinstance(error, Exception)


def _found(batch: Batch, analyses: tuple[str, ...]) -> list[tuple[Answer, ...]]:
    """Return the answers of a batch; of one variant alone that has none, the reason."""
    try:
        return batch.result()
    except BrokenProcessPool:
        raise
    except (Exception, CancelledError) as error:  # what a worker could not send
        # Dask's, after some tries
        reason = KILLED if type(error).__name__ == "KilledWorker" else reason_of(error)
        return [tuple(Answer(analysis=each, reason=reason) for each in analyses)]


def outcomes(variants: Iterable[Variant], store: Store) -> Iterator[Outcome]:
    """Yield every variant with what is known of it."""
    known = store.answers()
    for variant in variants:
        found = known.get(variant.key, {})
        yield replace(variant.outcome, answers=tuple(found.values()))
