"""What updates take, of which few parameters are the measure."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise

import pytest
import torch
from torch import Tensor, nn

from archscope.subject import Inputs, Subject
from archscope.training.fake import fake_mode
from archscope.training.holding import _update, updating
from archscope.training.live_memory import Change
from archscope.training.muon import HAS_MUON, MuonAndAdamW
from archscope.training.optimisers import OPTIMISERS, Make, Optimiser, optimiser
from archscope.training.peak import peak
from archscope.training.real import measure
from archscope.training.recipe import Recipe
from archscope.training.step import run_step

SHAPES = ((7, 3, 2), (5, 9), (43,), (2, 20), (1, 44), (6,), (43,), (5, 9), (3,), (5, 9), (43,))


def _trained() -> list[Tensor]:
    parameters = [nn.Parameter(torch.empty(shape)) for shape in SHAPES]
    for parameter in parameters:
        parameter.grad = torch.empty_like(parameter)
    return parameters


def _most(changes: list[Change]) -> int:
    return max(accumulate(change.bytes for change in changes), default=0)


@pytest.mark.parametrize("found", [each for each in OPTIMISERS.values() if each.make is not None])
def test_what_an_update_takes_is_what_that_of_all_parameters_takes(found: Optimiser) -> None:
    assert found.make is not None
    with fake_mode():
        most = _most(list(_update(found.make, _trained())))
        *changes, _ = updating(found, _trained())

    assert _most(changes) == most


def test_only_neighbours_that_may_take_most_are_updated_where_size_alone_counts() -> None:
    asked: list[tuple[tuple[int, ...], ...]] = []

    def counting(make: Make) -> Make:
        def made(parameters: list[Tensor]) -> torch.optim.Optimizer:
            asked.append(tuple(tuple(each.shape) for each in parameters))
            return make(parameters)

        return made

    adamw = OPTIMISERS["adamw"]
    assert adamw.make is not None
    counted = replace(adamw, make=counting(adamw.make))
    for _ in range(2):  # what is the same for parameters of the same kinds is not run again
        with fake_mode():
            list(updating(counted, _trained()))

    # 45 numbers after 43 and 43 after 45; all others have fewer, before and themselves.
    assert asked == [((5, 9), (43,)), ((43,), (5, 9))]


@pytest.mark.parametrize("name", ["adamw", "adafactor", "muon"])
@pytest.mark.parametrize("widths", [(64, 64, 64), (16, 32, 64), (64, 32, 16)])
def test_what_was_made_of_the_one_before_is_there(name: str, widths: tuple[int, ...]) -> None:
    if optimiser(name).make is None:
        pytest.skip("older torch has no Muon")
    layers = [nn.Linear(64, widths[0], bias=False)]
    layers += [nn.Linear(a, b, bias=False) for a, b in pairwise(widths)]
    inputs = Inputs(args=(torch.ones(2, 64),))
    it = Subject(name="it", model=nn.Sequential(*layers), inputs=inputs, origin="memory")

    step, real = run_step(it, Recipe(), optimiser(name)), measure(it, Recipe(), name)

    most = peak(step)
    assert most is not None
    assert most.phase == "optimiser"
    if real.outliving is None:
        pytest.skip("this torch's profiler does not tell workspaces of kernels")
    # A number that Python writes into a quotient takes 8 bytes.
    assert 0 <= real.outliving - most.bytes <= 8


@pytest.mark.skipif(not HAS_MUON, reason="older torch has no Muon")
def test_muon_takes_filters_as_matrices_and_leaves_vectors_to_adamw() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3))
    before = [each.detach().clone() for each in model.parameters()]
    parameters = list(model.parameters())
    made = MuonAndAdamW(parameters)

    model(torch.rand(2, 3, 8, 8)).square().sum().backward()
    made.step()

    kept = [tuple(sorted(state)) for state in made.state.values()]
    assert kept == [("momentum_buffer",)] * 2 + [("exp_avg", "exp_avg_sq", "step")] * 4
    assert all((now != was).any() for now, was in zip(parameters, before, strict=True))
    made.zero_grad()
    assert all(each.grad is None for each in parameters)
