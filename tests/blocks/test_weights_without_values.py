"""Networks whose weights have no values and whose constants have."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archscope.blocks import constant_memory, constants
from archscope.blocks.constants import weights_without_values


def built(make: Callable[[], nn.Module]) -> Any:
    with weights_without_values() as finished:
        return finished(make())


class Holds(nn.Module):
    """A linear layer, and a buffer made beside it."""

    def __init__(self, make: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.register_buffer("made", make(self.layer.weight))


def filled_later(_: Tensor) -> Tensor:
    made = torch.empty(2, 4)
    made[:, ::2] = 1
    made[:, 1::2] = torch.arange(2.0)
    return made


def copied_then_filled(weight: Tensor) -> Tensor:
    made = weight.data.clone()
    made.fill_(1)
    made[1:] = 0
    return made


def overwritten(weight: Tensor) -> Tensor:
    made = torch.ones(3, 3)
    made.copy_(weight)
    return made.zero_()


KNOWN: dict[str, tuple[Callable[[Tensor], Tensor], list[object]]] = {
    "ones cut": (lambda w: torch.ones(2, 2).tril(), [[1, 0], [1, 1]]),
    "numbers": (lambda w: torch.tensor([3, 1]), [3, 1]),
    "where the weight is": (lambda w: torch.arange(3, device=w.device), [0, 1, 2]),
    "of the weight's shape": (lambda w: torch.zeros_like(w)[0], [0, 0, 0]),
    "of the weight's type": (lambda w: w.new_full((2,), 7.0), [7, 7]),
    "moved to the weight": (lambda w: torch.eye(2).to(w.device), [[1, 0], [0, 1]]),
    "an array": (lambda w: torch.from_numpy(np.arange(2)), [0, 1]),
    "memory filled later": (filled_later, [[1, 0, 1, 1]] * 2),
    "a copy filled": (copied_then_filled, [[1, 1, 1], [0, 0, 0], [0, 0, 0]]),
    "written over again": (overwritten, [[0, 0, 0]] * 3),
}


@pytest.mark.parametrize("name", KNOWN)
def test_constants_have_their_values(name: str) -> None:
    make, values = KNOWN[name]

    model = built(lambda: Holds(make))

    assert all(weight.is_meta for weight in model.parameters())
    assert model.made.tolist() == values


def partly(_: Tensor) -> Tensor:
    made = torch.empty(4)
    made[:2] = 1
    made[:2] = 2  # the rest is never written
    return made


def written_to(weight: Tensor) -> Tensor:
    made = torch.zeros(3, 3)
    made[0] = weight[0]
    return made * 2


UNKNOWN: dict[str, Callable[[Tensor], Tensor]] = {
    "of a weight": lambda w: w * 2,
    "of a weight and a constant": lambda w: w.detach() + torch.ones(3),
    "memory that nothing fills": lambda w: torch.empty(3),
    "memory that is filled in part": partly,
    "its copy": lambda w: copy.deepcopy(torch.empty(3)),
    "what a weight was written to": written_to,
    "too large": lambda w: torch.ones(constants.MOST_ELEMENTS + 1),
    "too large together": lambda w: torch.ones(constants.MOST_ELEMENTS, 1) * torch.ones(2),
    "much that is drawn": lambda w: torch.randn(constants.MOST_DRAWN + 1),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_has_no_values(name: str) -> None:
    model = built(lambda: Holds(UNKNOWN[name]))

    assert model.made.is_meta


def test_all_constants_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constant_memory, "MOST_BYTES", 3 << 20)

    # 1 MiB each: of five that are kept three have values; ten that are dropped count for nothing.
    model = built(
        lambda: nn.ParameterList(torch.ones(1 << 18) for _ in range(10)).append(torch.ones(1))
    )
    held = built(lambda: nn.ModuleList(Holds(lambda w: torch.ones(1 << 18)) for _ in range(5)))

    assert all(weight.is_meta for weight in model.parameters())
    assert [one.made.is_meta for one in held] == [False] * 3 + [True] * 2


def test_a_parameter_that_is_not_trained_keeps_its_values() -> None:
    def make() -> nn.Module:
        model = nn.Linear(2, 2)
        model.mask = nn.Parameter(torch.eye(2), requires_grad=False)
        return model

    model = built(make)

    assert model.weight.is_meta
    assert torch.equal(model.mask, torch.eye(2))


def test_numbers_made_of_weights_cannot_be_read() -> None:
    def make() -> nn.Module:
        made = torch.zeros(3, 3)
        made.copy_(nn.Linear(3, 3).weight)
        return nn.Linear(3, int(made.detach().numpy().sum()) + 4)

    with pytest.raises(RuntimeError, match="weights have no values here"):
        built(make)


def test_what_was_made_before_is_left_as_it_is() -> None:
    ready = nn.Linear(3, 3)
    before = ready.weight.detach().clone()

    def make() -> nn.Module:
        with torch.no_grad():
            ready.weight.copy_(nn.Linear(3, 3).weight)
        return nn.Sequential(ready, nn.BatchNorm1d(3))

    model = built(lambda: nn.Sequential(ready, nn.BatchNorm1d(3)))
    assert not model[0].weight.is_meta
    with pytest.raises(RuntimeError, match="is written to a tensor"):
        built(make)
    assert torch.equal(ready.weight, before)


def test_tied_and_copied_weights_stay_so() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            weight = nn.Parameter(torch.ones(3, 3))
            self.a, self.b, self.listed = nn.Linear(3, 3), nn.Linear(3, 3), [weight]
            self.a.weight = self.b.weight = weight
            self.twice = nn.ModuleList(copy.deepcopy(self.a) for _ in range(2))
            self.recurrent = nn.LSTM(3, 3)

    model = built(Tied)

    assert model.a.weight is model.b.weight
    assert model.twice[0].weight is not model.twice[1].weight
    assert all(weight.is_meta for weight in model.parameters())
    assert all(weight.is_meta for weight in model.recurrent._flat_weights)
