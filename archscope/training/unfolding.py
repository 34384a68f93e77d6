"""Whether blocks that are alike to build are alike to train, and the network with all of them."""

from __future__ import annotations

from dataclasses import replace

from archscope.blocks.shapes import shapes_only
from archscope.counting.freezing import tells_copies_apart
from archscope.running.attributes import parameters_of
from archscope.running.storages import bytes_of
from archscope.subject import Subject
from archscope.training.recipe import Recipe


def unfolded(subject: Subject) -> Subject:
    """Return a network with all its blocks, on shapes alone."""
    assert subject.whole is not None
    again = (repeat for repeat in subject.repeats if repeat.shared)  # still one block
    once = tuple(replace(repeat, copies=(repeat.path,)) for repeat in again)
    with shapes_only():
        return replace(subject, model=subject.whole(), repeats=once)


def shorter(subject: Subject, recipe: Recipe) -> Subject | None:
    """Return a network without most of its blocks that are alike, whose step tells that of all.

    None where it has too few, or the recipe takes some of them for others.
    """
    if subject.shorter is None or tells_copies_apart(subject.model, recipe.freeze, subject.repeats):
        return None
    return subject.shorter(recipe.recompute.every or 1 if recipe.recompute else 1)


def told_apart(subject: Subject, recipe: Recipe) -> bool:
    """Return whether a recipe does with some copies of a block what it does not with others."""
    skips = recipe.recompute is not None and recipe.recompute.every > 1 and not subject.stretches
    frozen_apart = tells_copies_apart(subject.model, recipe.freeze, subject.repeats)
    return subject.whole is not None and bool(subject.repeats) and (skips or frozen_apart)


def has_little_data(subject: Subject) -> bool:
    """Return whether a network is there with its data, and small enough to run a step for real."""
    parameters = list(parameters_of(subject.model))
    if any(parameter.is_meta for parameter in parameters):
        return False
    return bytes_of(parameters) <= _LARGEST


_LARGEST = 2**30
"""Bytes of weights up to which a step is run on data."""
