"""What is said of a training step that fails."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

import archscope
from archscope import loaders
from archscope.errors import ArchscopeError, ForwardError
from archscope.study import ask
from archscope.subject import Request, Subject


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, fails: bool) -> Tensor:  # type: ignore[override]
        ctx.fails = fails
        return x * 2

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        if ctx.fails:
            raise RuntimeError("not today")
        return gradient * 2, None


class Fails(nn.Module):
    def __init__(self, on_the_way_back: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.on_the_way_back = on_the_way_back

    def forward(self, x: Tensor) -> Tensor:
        if not self.on_the_way_back:
            raise RuntimeError("not today")
        y: Tensor = Doubled.apply(self.linear(x), True)
        return y


@pytest.mark.parametrize("verb", [archscope.train, archscope.memory])
@pytest.mark.parametrize(
    ("on_the_way_back", "where"), [(False, "in 0"), (True, "in its backward pass")]
)
def test_a_step_that_fails_says_where_in_one_line(
    verb: Callable[..., Any], on_the_way_back: bool, where: str
) -> None:
    model = nn.Sequential(Fails(on_the_way_back))

    with pytest.raises(ForwardError, match=re.escape(f"{where}: RuntimeError: not today")):
        verb(model, torch.zeros(2, 4))


def test_shapes_that_do_not_fit_leave_no_traceback_of_torchs_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[logging.LogRecord] = []
    monkeypatch.setattr(logging.Logger, "handle", lambda self, record: heard.append(record))

    with pytest.raises(ForwardError, match="cannot be multiplied"):
        archscope.memory(nn.Sequential(nn.Linear(4, 4)), torch.zeros(2, 5))

    assert not heard


def test_a_batch_of_one_is_too_few_for_a_batch_norm() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))

    with pytest.raises(ForwardError, match="--batch-size 2"):
        archscope.memory(model, torch.zeros(1, 4))


class _Noted(nn.Module):
    ran_on: ClassVar[list[str]] = []

    def forward(self, x: Tensor) -> Tensor:
        has_none = x.is_meta or type(x).__name__ == "FakeTensor"
        self.ran_on.append("shapes" if has_none else "data")
        return x


@pytest.mark.parametrize("verb", [archscope.train, archscope.memory])
def test_dropout_within_a_vmap_that_draws_nothing_says_what_to_give_it(
    verb: Callable[..., Any],
) -> None:
    class Mapped(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.vmap(super().forward)(x)

    with pytest.raises(ForwardError, match="give it randomness='different', or 'same'"):
        verb(Mapped(nn.Linear(4, 4), nn.Dropout()), torch.zeros(2, 4))


@pytest.mark.parametrize("verb", [archscope.train, archscope.memory])
def test_what_data_does_not_help_is_not_tried_on_it(verb: Callable[..., Any]) -> None:
    model = nn.Sequential(_Noted(), nn.Linear(4, 4), nn.BatchNorm1d(4))
    _Noted.ran_on.clear()

    with pytest.raises(ForwardError, match="a batch norm needs a batch of 2 at least"):
        verb(model, torch.zeros(1, 4))

    assert set(_Noted.ran_on) == {"shapes"}  # a DeepLab at 520 x 520 took 1.4 GiB for this


class _Sloped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.func.grad(lambda y: self.layer(y).tanh().sum())(x)


def test_gradients_of_torch_func_within_a_forward_are_named() -> None:
    with pytest.raises(ForwardError, match=r"where a forward asks torch\.func for"):
        archscope.memory(_Sloped(), torch.ones(2, 4))
    assert archscope.train(_Sloped(), torch.ones(2, 4)).totals.forward > 0


class _Threaded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self.layer, x).result()


@pytest.mark.parametrize("verb", [archscope.train, archscope.memory])
def test_what_runs_in_other_threads_is_refused(verb: Callable[..., Any]) -> None:
    with pytest.raises(ArchscopeError, match="layer ran in threads that the forward began"):
        verb(_Threaded(), torch.ones(2, 4))


def test_what_fails_with_data_too_is_not_made_with_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of gigabytes was made, and failed once more."""

    def whole() -> Subject:
        raise AssertionError("it is made with data")

    network = replace(loaders.load("deeplabv3_resnet50:input_size=64", Request()), whole=whole)

    with pytest.raises(ForwardError, match="a batch norm needs a batch of 2 at least"):
        ask("memory", network)
