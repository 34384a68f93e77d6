"""Whatever is looked at here: each chain of steps leads from its source's shape to its target's."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from archscope.dependence import rules
from archscope.dependence.answer import lowering
from archscope.dependence.record.graph import Shape
from archscope.dependence.sets.links import Taps
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Mix,
    Permute,
    Reduce,
    ReduceWhere,
    Reshape,
    Spread,
    SpreadWhere,
    Step,
    Take,
)

UNMET = (
    "test_a_form_that_a_rule_never_met_is_a_bound",
    "test_a_rule_says_what_is_worked_out_by_hand",
    "test_a_form_that_no_rule_knows_is_no_error",
)
"""Tests of forms of operators that their rules do not know."""


@pytest.fixture(autouse=True)
def _fitting(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Look at the edges of every rule that a test calls; none may raise, which is else a bound."""
    lower = rules.lower

    def checked(*given: Any) -> rules.Lowered:
        found = lower(*given)
        is_met = request.node.originalname not in UNMET
        if is_met and found.node.operator in rules.known_rules():
            assert found.flag != rules.UNKNOWN, "its rule raised"
        for edge in found.edges:
            _check(edge, found.node.operator)
        return found

    monkeypatch.setattr(rules, "lower", checked)


@pytest.fixture(autouse=True)
def _loud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise what goes wrong while it is asked what is zero: else it is taken for not known.

    Of sparse tensors and of some types of numbers torch itself has no kernel to ask by.
    """
    monkeypatch.setattr(lowering, "suppress", lambda _: suppress(NotImplementedError))


def _check(edge: Edge, operator: str) -> None:
    shape = tuple(edge.source.shape)
    for step in edge.steps:
        shape = _after(step, shape)
    assert shape == tuple(edge.target.shape), (operator, edge.steps)


def _after(step: Step, shape: Shape) -> Shape:
    """Return the shape of what a step makes; what it takes must be of the shape given."""
    match step:
        case Take(axis, links):
            read = links.index if isinstance(links, Taps) else links.starts
            assert ((read >= -1) & (read <= links.reads)).all()  # -1 alone is nothing
            return _resized(shape, {axis: (links.reads, links.size)})
        case Mix(axis, reads, size, groups):
            assert not reads % groups
            assert not size % groups
            return _resized(shape, {axis: (reads, size)})
        case Reduce(axes, sizes):
            return _resized(shape, {a: (n, 1) for a, n in zip(axes, sizes, strict=True)})
        case Spread(axes, sizes):
            return _resized(shape, {a: (1, n) for a, n in zip(axes, sizes, strict=True)})
        case ReduceWhere(axis, mask):
            return _resized(shape, {axis: (mask.shape[axis], 1)})
        case SpreadWhere(axis, mask):
            return _resized(shape, {axis: (1, mask.shape[axis])})
        case Permute(order):
            assert sorted(order) == list(range(len(shape)))
            return tuple(shape[axis] for axis in order)
        case Reshape(before, after):
            assert shape == tuple(before)
            return tuple(after)
        case Keep(mask):
            assert len(mask.shape) == len(shape)
            assert all(wide in (1, n) for wide, n in zip(mask.shape, shape, strict=True))
            return shape


def _resized(shape: Shape, sizes: dict[int, tuple[int, int]]) -> Shape:
    """Return a shape with some sizes changed, from what is said that they were."""
    found = list(shape)
    for axis, (before, after) in sizes.items():
        assert found[axis] == before
        found[axis] = after
    return tuple(found)
