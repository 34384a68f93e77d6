"""What an answer costs goes by kinds of windows, not by positions: counted in calls of Python."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archscope
from archscope.dependence.answer import axis_roles, examine
from archscope.dependence.answer.fields import Field
from archscope.dependence.answer.forward import look
from archscope.dependence.record.graph import Value
from archscope.dependence.sets.links import window
from archscope.dependence.sets.patterns import Pattern
from archscope.dependence.sets.products import added, one_unit, over
from archscope.dependence.sets.sets import Sets
from archscope.dependence.sets.terms import Term
from tests.calls import calls


class Running(nn.Module):
    """A convolution that looks back, then a running sum."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, 1, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.first(F.pad(x, (2, 0))).cumsum(-1)


class Summed(nn.Module):
    """A running sum of a sequence, of which no layer tells where positions lie."""

    def forward(self, x: Tensor) -> Tensor:
        return x.cumsum(1)


def test_a_running_sum_of_twice_the_size_enters_no_more_functions() -> None:
    def of(size: int) -> int:
        return calls(lambda: archscope.analyse("rf", Running(), torch.zeros(1, 1, size)))

    of(64)  # imports what is needed
    assert of(8192) < 1.05 * of(4096)


def test_features_that_see_alike_are_not_asked_one_by_one() -> None:
    """As the channels of one position of the batch do, each with an entry of its own."""
    algebra, shape = Sets(), (3, 4096)
    entries = algebra.single(np.arange(3))[:, None] + np.zeros(shape, dtype=np.int64)
    pattern = Pattern(shape, entries, (None, None), (True, False), algebra=algebra)
    field = Field(Value(0, shape), (Term((pattern,), exact=True),), sizes=(3,))

    assert list(field.products({0: 1})) == [(0b10,)]
    assert calls(lambda: list(field.products({0: 1}))) < 1000


def test_dilated_layers_of_a_long_window_enter_no_more_functions() -> None:
    def of(depth: int) -> int:
        network = nn.Sequential(*(nn.Conv1d(1, 1, 3, dilation=2**n) for n in range(depth)))
        x = torch.zeros(1, 1, 2 ** (depth + 1) + 9)
        return calls(lambda: archscope.analyse("rf", network, x))

    of(2)  # imports what is needed
    assert of(12) < 1.35 * of(10)  # twice as many for each two layers, where each position counts


def test_sums_of_many_products_are_held_as_numbers_of_small_maps() -> None:
    shape = (256, 256)
    ones = [one_unit(shape, {0: at, 1: at}) for at in range(0, 90, 10)]

    total = reduce(added, ones)

    assert len(total) == 1
    assert over(total, (0, 1)).nonzero()[0].tolist() == list(range(0, 90, 10))


def test_a_window_is_turned_round_without_sorting_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("archscope.dependence.sets.links._from_pairs")

    links = window(1000, 998, kernel=3).transposed

    outputs = [{n for n in row if n >= 0} for row in links.index.tolist()]
    assert outputs == [set(range(max(at - 2, 0), min(at, 997) + 1)) for at in range(1000)]
    assert (links.reads, links.size) == (998, 1000)


def test_no_axis_is_looked_along_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a sequence's places are mixed is found by the look that tells what they see."""
    along: list[tuple[int, ...]] = []

    def counted(*given: Any) -> Any:
        along.append(given[2])
        return look(*given)

    for module in (axis_roles, examine):
        monkeypatch.setattr(module, "look", counted, raising=False)
    archscope.analyse("rf", Summed(), torch.zeros(1, 6, 4))

    assert along
    assert len(set(along)) == len(along)
