"""What a step computes, how long it takes, and what the whole training run costs."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from archscope.analyses.plan.layout import Cards, Layout, read_count
from archscope.analyses.plan.settings import Settings
from archscope.records import frozen
from archscope.theory import training_cost
from archscope.theory.census import ATTENTION
from archscope.theory.pipelines import bubble
from archscope.theory.stages import Part, Stages, alike


@frozen
class Work:
    """FLOPs of one step on all cards, two for each multiply-accumulate."""

    forward: int
    backward: int | None
    """None where only a bound is told: twice the forward at most."""
    again: int | None
    """What runs once more; None where that is not told."""
    bubble: Fraction
    """Time that a card waits, over the time that it works."""

    @property
    def model(self) -> int | None:
        """The model's own FLOPs."""
        return None if self.backward is None else self.forward + self.backward

    @property
    def hardware(self) -> int | None:
        """All that runs."""
        return None if self.model is None or self.again is None else self.model + self.again

    def effort(self) -> Fraction | None:
        """Return what runs, and the wait as if it ran too."""
        return None if self.hardware is None else self.hardware * (1 + self.bubble)


def work_of(stages: Stages, layout: Layout) -> Work:
    """Return what a step computes; `stages` are those of one micro-batch."""
    passes = 2 * layout.dp * layout.micro_batches
    backward = None if stages.bounded else _backward(stages.parts)
    return Work(
        forward=passes * stages.macs,
        backward=None if backward is None else passes * backward,
        again=_times(passes, _again(stages, layout)),
        bubble=bubble(layout.pp, layout.micro_batches, layout.chunks),
    )


def _times(passes: int, macs: int | None) -> int | None:
    return None if macs is None else passes * macs


def _backward(parts: Iterable[Part]) -> int:
    return sum(
        times * sum(layer.backward_macs for layer in part.layers) for part, times in alike(parts)
    )


def _again(stages: Stages, layout: Layout) -> int | None:
    """Return the multiply-accumulates that run again: of all blocks, or of products alone."""
    if layout.recompute == "none":
        return 0
    if not stages.blocks:
        return None
    blocks = alike(stages.blocks)
    if layout.recompute == "full":
        return sum(times * part.macs for part, times in blocks)
    products = (
        times * layer.macs
        for part, times in blocks
        for layer in part.layers
        if layer.counted.kind == ATTENTION
    )
    return sum(products)


@frozen
class Time:
    """How long it takes, and what it costs; None where something is not said or not known."""

    mfu: float | None
    hfu: float | None
    peak: float | None
    step_seconds: float | None
    steps: int | None
    days: float | None
    gpu_hours: float | None
    cost: float | None
    why: str
    """Why the time is not known; empty: it is."""


def time_of(work: Work, stages: Stages, layout: Layout, cards: Cards, settings: Settings) -> Time:
    """Return what the settings say of speed, tokens and price, put together."""
    peak = cards.peak(layout.recipe.number_type)
    tokens = read_count(settings.tokens)
    a_step = layout.dp * layout.micro_batches * (stages.tokens or stages.samples)
    steps = None if tokens is None else -(-tokens // a_step)
    why = _why_unknown(work, peak, layout, cards, settings, stages.bounded)
    if why or peak is None or settings.mfu is None or work.model is None:
        return Time(
            mfu=settings.mfu, hfu=_hfu(work, settings.mfu), peak=peak, step_seconds=None,
            steps=steps, days=None, gpu_hours=None, cost=None, why=why,
        )  # fmt: skip
    seconds = training_cost.seconds_for(work.model, layout.gpus, peak, settings.mfu)
    days = hours = cost = None
    if tokens is not None:
        whole = seconds * tokens / a_step
        days = whole / training_cost.SECONDS_PER_DAY
        hours = training_cost.gpu_hours(whole, layout.gpus)
        cost = None if settings.price is None else training_cost.cost(hours, settings.price)
    return Time(
        mfu=settings.mfu, hfu=_hfu(work, settings.mfu), peak=peak, step_seconds=seconds,
        steps=steps, days=days, gpu_hours=hours, cost=cost, why="",
    )  # fmt: skip


def _hfu(work: Work, mfu: float | None) -> float | None:
    if mfu is None or work.hardware is None or not work.model:
        return None
    return mfu * work.hardware / work.model


def _why_unknown(
    work: Work,
    peak: float | None,
    layout: Layout,
    cards: Cards,
    settings: Settings,
    bounded: str,
) -> str:
    if work.model is None:
        return f"{bounded}: its backward is twice the forward at most"
    if cards.card is None:
        return "no card is named; give --gpu, e.g. h100"
    if peak is None:
        return f"no peak of {cards.card.word} in {layout.recipe.number_type} is cited"
    if not settings.mfu:
        return "the utilization is not given; add --mfu, e.g. 0.4"
    return ""
