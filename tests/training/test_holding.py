"""What updates take, of which one parameter is the measure."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

import pytest
import torch
from torch import Tensor, nn

from archscope.training.alive import Change
from archscope.training.fake import fake_mode
from archscope.training.holding import _update, updating
from archscope.training.optimisers import OPTIMISERS, Make, Optimiser

SHAPES = ((7, 3, 2), (5, 9), (43,), (2, 20), (1, 44))


def _trained() -> list[Tensor]:
    parameters = [nn.Parameter(torch.empty(shape)) for shape in SHAPES]
    for parameter in parameters:
        parameter.grad = torch.empty_like(parameter)
    return parameters


def _most(changes: list[Change]) -> int:
    return max(accumulate(change.bytes for change in changes), default=0)


@pytest.mark.parametrize("found", [each for each in OPTIMISERS.values() if each.make is not None])
def test_what_an_update_takes_is_the_most_of_any_parameter(found: Optimiser) -> None:
    assert found.make is not None
    with fake_mode():
        most = max(_most(list(_update(found.make, each))) for each in _trained())
        *changes, _ = updating(found, _trained())

    assert _most(changes) == most


def test_only_the_largest_is_updated_where_size_alone_counts() -> None:
    asked: list[tuple[int, ...]] = []

    def counting(make: Make) -> Make:
        def made(parameters: list[Tensor]) -> torch.optim.Optimizer:
            asked.extend(tuple(each.shape) for each in parameters)
            return make(parameters)

        return made

    adamw = OPTIMISERS["adamw"]
    assert adamw.make is not None
    with fake_mode():
        list(updating(replace(adamw, make=counting(adamw.make)), _trained()))

    assert asked == [(5, 9)]
