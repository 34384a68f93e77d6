"""Warm-up, budget, blocks and interrupts, under a clock that tests turn by hand."""

from __future__ import annotations

import gc
from collections.abc import Callable
from math import ceil
from typing import Any

import pytest

from archscope.progress import Step, heard_by
from archscope.timing.sampling import (
    BLOCK_SECONDS,
    FEWEST,
    MOST_RUNS,
    SAMPLE_SECONDS,
    WINDOWS,
    Plan,
    Stage,
    sample,
)

LONG = 1e9


def interrupted_at(run: int, work: Callable[[], object]) -> Callable[[], None]:
    """Return work during whose run number `run` the user presses Ctrl-C."""
    runs = [0]

    def stage() -> None:
        runs[0] += 1
        if runs[0] == run:
            raise KeyboardInterrupt
        work()

    return stage


def test_a_steady_pass_is_sampled_as_often_as_asked_for(clock: Any) -> None:
    found = sample([clock.stage(0.01)], clock, Plan(warmup=4, runs=7, budget_s=LONG))

    assert found.stage(0) == pytest.approx([0.01] * 7)
    assert found.warmup_runs == 4  # two windows of two, which agree
    assert found.settled
    assert not found.budget_spent
    assert not found.interrupted


def test_a_sample_of_a_short_pass_is_the_mean_of_several_runs(clock: Any) -> None:
    # 0.22 and 0.62 ms in turn, 0.42 in the mean: 5 runs take 2 ms, 3 of one kind, 2 of the other
    times = [2.2e-4, 6.2e-4] * 1000
    short = Stage(name="forward", run=lambda: clock.work(times.pop()))

    found = sample([short], clock, Plan(warmup=4, runs=8, budget_s=LONG))

    assert found.runs_each == ceil(SAMPLE_SECONDS / 4.2e-4) == 5
    odd, even = (3 * 6.2e-4 + 2 * 2.2e-4) / 5, (2 * 6.2e-4 + 3 * 2.2e-4) / 5
    assert sorted(found.stage(0)) == pytest.approx([even] * 4 + [odd] * 4)


def test_a_host_that_is_held_up_makes_no_sample_of_a_single_run(clock: Any) -> None:
    # a window of one run of 0.42 ms, then all that a loaded machine does to the others
    found = sample([clock.stage(4.2e-4, 0.5)], clock, Plan(warmup=2, runs=3, budget_s=LONG))

    assert found.runs_each == 5


def test_no_clock_is_read_within_a_sample_where_nothing_stands_between_its_runs(clock: Any) -> None:
    found = sample([clock.stage(4.2e-4)], clock, Plan(warmup=2, runs=1, budget_s=LONG))

    assert found.runs_each == 5
    assert clock.log[-8:] == ["mark", *["work"] * 5, "mark", "wait"]


def test_stages_of_a_short_pass_are_means_each(clock: Any) -> None:
    stages = [clock.stage(2e-4), clock.stage(6e-4)]

    found = sample(stages, clock, Plan(warmup=4, runs=2, budget_s=LONG))

    assert found.runs_each == 3  # of 0.8 ms together: two would be shorter than 2 ms
    assert found.seconds == (pytest.approx((2e-4, 6e-4)),) * 2
    assert found.whole() == pytest.approx((8e-4, 8e-4))


def test_what_goes_before_a_run_goes_before_each_run_of_a_sample(clock: Any) -> None:
    before: list[int] = []

    found = sample(
        [clock.stage(4e-4)], clock, Plan(warmup=2, runs=3), before=lambda: before.append(1)
    )

    assert found.runs_each == 5
    assert len(before) == found.warmup_runs + 3 * 5


@pytest.mark.parametrize(("pass_s", "runs_each"), [(2e-3, 1), (1.8e-3, 2), (0.0, MOST_RUNS)])
def test_so_many_runs_are_a_sample_as_take_long_enough(
    pass_s: float, runs_each: int, clock: Any
) -> None:
    found = sample([clock.stage(pass_s)], clock, Plan(warmup=2, runs=1, budget_s=LONG))

    assert found.runs_each == runs_each


def test_a_sample_of_a_queue_is_one_run(queue: Any) -> None:
    found = sample([queue.stage(1e-5)], queue, Plan(warmup=2, runs=3))

    assert found.runs_each == 1


def test_one_run_is_a_sample_where_that_is_asked_for_and_without_warm_up(clock: Any) -> None:
    for plan in (Plan(warmup=2, runs=3, sample_s=0.0), Plan(warmup=0, runs=3)):
        found = sample([clock.stage(1e-5)], clock, plan)

        assert found.runs_each == 1
        assert clock.log.count("work") == found.warmup_runs + 3
        clock.log.clear()


def test_a_sample_that_was_cut_off_is_none(clock: Any) -> None:
    # warm-up: a run, then a sample of 5, which agree; of the third sample 2 runs are done
    stage = Stage(name="forward", run=interrupted_at(1 + 5 + 2 * 5 + 3, lambda: clock.work(4e-4)))

    found = sample([stage], clock, Plan(warmup=2, runs=100, budget_s=LONG))

    assert found.interrupted
    assert found.stage(0) == pytest.approx([4e-4] * 2)


def test_warm_up_goes_on_until_the_median_settles(clock: Any) -> None:
    # windows of two: medians 0.5, 0.2, 0.1, 0.1: the fourth agrees with the third
    slow = clock.stage(0.5, 0.5, 0.2, 0.2, 0.1)

    found = sample([slow], clock, Plan(warmup=4, runs=3, budget_s=LONG))

    assert found.warmup_runs == 8
    assert found.settled
    assert found.stage(0) == pytest.approx([0.1] * 3)


def test_warm_up_gives_up_where_the_median_never_settles(clock: Any) -> None:
    growing = clock.stage(*(0.01 * 1.1**n for n in range(100)))

    found = sample([growing], clock, Plan(warmup=2, runs=1, budget_s=LONG))

    assert found.warmup_runs == WINDOWS
    assert not found.settled


def test_warm_up_takes_at_most_a_tenth_of_the_budget(clock: Any) -> None:
    # runs of 1 s: the warm-up ends once more than 2 s have passed, the samples after 20 s
    found = sample([clock.stage(1.0)], clock, Plan(warmup=20, runs=100, budget_s=20.0))

    assert found.warmup_runs == 3
    assert not found.settled
    assert found.budget_spent
    assert len(found.seconds) == 18  # the run that crosses 20 s ends it


def test_a_few_samples_are_taken_whatever_the_budget(clock: Any) -> None:
    found = sample([clock.stage(10.0)], clock, Plan(warmup=2, runs=100, budget_s=0.1))

    assert len(found.seconds) == FEWEST
    assert found.warmup_runs == 1


def test_without_warm_up_the_first_run_is_a_sample(clock: Any) -> None:
    found = sample([clock.stage(5.0, 1.0)], clock, Plan(warmup=0, runs=3, budget_s=LONG))

    assert found.warmup_runs == 0
    assert not found.settled
    assert found.stage(0) == (5.0, 1.0, 1.0)


def test_stages_are_timed_apart_and_add_up(clock: Any) -> None:
    stages = [clock.stage(1.0), clock.stage(2.0), clock.stage(0.5)]

    found = sample(stages, clock, Plan(warmup=2, runs=2, budget_s=LONG))

    assert found.stage(1) == (2.0, 2.0)
    assert found.whole() == (3.5, 3.5)


def test_what_goes_before_a_run_is_not_measured(clock: Any, queue: Any) -> None:
    for each in (clock, queue):
        found = sample(
            [each.stage(0.01)],
            each,
            Plan(warmup=2, runs=4, budget_s=LONG),
            before=lambda each=each: each.work(3.0),
        )

        assert found.stage(0) == pytest.approx([0.01] * 4)


def test_nothing_waits_between_two_runs_of_a_queue(queue: Any) -> None:
    # 2 ms each: a block of BLOCK_SECONDS holds 100, so that all 50 samples are one block
    found = sample([queue.stage(0.002)], queue, Plan(warmup=20, runs=50, budget_s=LONG))

    assert found.stage(0) == pytest.approx([0.002] * 50)
    last = "".join({"wait": "|", "mark": ".", "work": "#"}[entry] for entry in queue.log)
    blocks = [block for block in last.split("|") if block]
    assert blocks[-1] == ".#." * 51  # the first is not measured: it finds the queue empty


def test_a_queue_is_looked_at_now_and_then(queue: Any) -> None:
    found = sample([queue.stage(0.1)], queue, Plan(warmup=2, runs=10, budget_s=LONG))

    waits = queue.log.count("wait")
    assert len(found.seconds) == 10
    assert waits >= 10 / (BLOCK_SECONDS / 0.1)


def test_the_first_run_of_a_block_is_not_a_sample(queue: Any) -> None:
    """A host that is slow to launch shows in the run that finds the queue empty."""
    found = sample(
        [Stage(name="forward", run=lambda: queue.work(0.001, launch=0.0005))],
        queue,
        Plan(warmup=4, runs=20, budget_s=LONG),
    )

    assert max(found.stage(0)) == pytest.approx(0.001)


def test_the_budget_ends_a_queue_too(queue: Any) -> None:
    found = sample([queue.stage(0.05)], queue, Plan(warmup=2, runs=10_000, budget_s=5.0))

    assert found.budget_spent
    assert queue.host_s < 5.0 + 2 * BLOCK_SECONDS
    assert 60 < len(found.seconds) < 100


@pytest.mark.parametrize("kind", ["clock", "queue"])
def test_an_interrupt_keeps_what_was_measured(kind: str, request: pytest.FixtureRequest) -> None:
    each = request.getfixturevalue(kind)
    leads = each.queued
    # warm-up: two windows of one run, each behind a run that opens the block on a queue
    before = 2 * (1 + leads)
    stage = Stage(name="forward", run=interrupted_at(before + leads + 6, lambda: each.work(0.002)))

    found = sample([stage], each, Plan(warmup=2, runs=100, budget_s=LONG))

    assert found.interrupted
    assert not found.budget_spent
    assert found.stage(0) == pytest.approx([0.002] * 5)


def test_an_interrupt_of_the_warm_up_leaves_no_samples(clock: Any) -> None:
    stage = Stage(name="forward", run=interrupted_at(2, lambda: clock.work(0.001)))

    found = sample([stage], clock, Plan(warmup=10, runs=100, budget_s=LONG))

    assert found.interrupted
    assert found.seconds == ()


def test_garbage_is_swept_again_afterwards_also_after_an_error(clock: Any) -> None:
    assert gc.isenabled()
    seen = []
    stage = Stage(name="forward", run=lambda: (seen.append(gc.isenabled()), clock.work(1.0)))

    sample([stage], clock, Plan(warmup=0, runs=1, budget_s=LONG))
    assert seen == [False]
    assert gc.isenabled()

    def fails() -> None:
        raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        sample([Stage(name="forward", run=fails)], clock, Plan(warmup=0, runs=1))
    assert gc.isenabled()


def test_who_watches_is_told_how_much_is_left(clock: Any) -> None:
    told: list[Step] = []

    with heard_by(told.append):
        sample(
            [clock.stage(1.0)], clock, Plan(warmup=0, runs=4, budget_s=LONG), what="timing batch 2"
        )

    assert all(step.still for step in told), "nothing else may run meanwhile"
    assert [step.what for step in told] == ["warming up", *["timing batch 2"] * 5]
    how_far = [(step.done, step.left_s) for step in told[2:]]
    assert how_far == [(0.25, 3.0), (0.5, 2.0), (0.75, 1.0), (1.0, 0.0)]
