"""Runs a step as the settings say, with every block if that is cheap."""

from __future__ import annotations

from archscope.analyses.memory.settings import Settings
from archscope.subject import Subject
from archscope.training.folding import names
from archscope.training.number_types import NUMBER_TYPES
from archscope.training.optimisers import optimiser
from archscope.training.recipe import Recipe, read_adapters, read_recompute
from archscope.training.step import Step, run_step
from archscope.training.unfolded_changes import laid_out
from archscope.training.unfolding import shorter, unfolded

LARGEST_WHOLE = 30_000
"""Changes of what is alive up to which a step is run with all blocks, so that its peak is known."""


def recipe_of(settings: Settings) -> Recipe:
    """Return what the settings say of how a network is trained."""
    return Recipe(
        freeze=tuple(filter(None, settings.freeze.split(","))),
        adapters=read_adapters(settings.lora),
        recompute=read_recompute(settings.recompute),
        attention=settings.attention_kernel,
        dropout=settings.dropout,
    )


def run_as(subject: Subject, settings: Settings, passes: int = 1) -> Step:
    """Run a step of `subject` as the settings say, blocks that repeat once."""
    return run_step(
        subject,
        recipe_of(settings),
        optimiser(settings.optimizer),
        dtype=NUMBER_TYPES.get(settings.dtype),
        autocast=NUMBER_TYPES.get(settings.autocast),
        passes=passes,
    )


def whole_where_cheap(subject: Subject, settings: Settings, passes: int = 1) -> Step:
    """Run a step so that its peak is known, or where blocks are too many with each kind run once.

    Of blocks that follow each other over and over four are enough.
    """
    few = shorter(subject, recipe_of(settings))
    if few is not None:
        step = run_as(few, settings, passes)
        if laid_out(step) is not None:
            return step
        copies = max((len(repeat.copies) for repeat in subject.repeats), default=0)
        if 0 < copies * len(step.changes) <= LARGEST_WHOLE:  # no need to find out more exactly
            return run_as(unfolded(subject), settings, passes)
    step = run_as(subject, settings, passes)
    if not step.repeats:
        return step
    changes = sum(len(list(names(change.path, step.repeats))) for change in step.changes)
    return run_as(unfolded(subject), settings, passes) if changes <= LARGEST_WHOLE else step


def has_few_turns(step: Step) -> bool:
    """Return whether all that a step does is known, and little enough to be listed."""
    turns = laid_out(step)
    return turns is not None and sum(t.times * len(t.changes) for t in turns) <= LARGEST_WHOLE
