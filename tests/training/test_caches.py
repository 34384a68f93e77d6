"""What functions of the user's store while a network runs without data is not there afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope.subject import Inputs, Subject
from archscope.training.forward_peak import forward_peak
from archscope.training.optimisers import optimiser
from archscope.training.recipe import Recipe
from archscope.training.step import run_forward, run_step

TABLE: dict[int, tuple[Tensor, ...]] = {}
LAST: Tensor | None = None


@lru_cache
def _mask(size: int) -> Tensor:
    return torch.linspace(0, 1, size)


@cache
def _pair(size: int) -> dict[str, list[Tensor]]:
    return {"both": [torch.rand(size), torch.rand(size)]}


def _table(size: int) -> Tensor:
    if size not in TABLE:
        TABLE[size] = (torch.linspace(0, 1, size),)
    return TABLE[size][0]


def _last(size: int) -> Tensor:
    global LAST
    if LAST is None:
        LAST = torch.linspace(0, 1, size)
    return LAST


class _Scaled(nn.Module):
    def __init__(self, scale: Callable[[int], Any], *, reads: bool = False) -> None:
        super().__init__()
        self.layer, self.reads = nn.Linear(8, 8), reads
        self._scale = scale

    def forward(self, x: Tensor) -> Tensor:
        scale = self._scale(8)
        y: Tensor = self.layer(x) * (scale if isinstance(scale, Tensor) else scale["both"][0])
        return y if not self.reads or y.isfinite().all() else y.clamp(-1, 1)


@pytest.fixture(autouse=True)
def empty() -> None:
    for function in (_mask, _pair):
        function.cache_clear()
    TABLE.clear()
    sys.modules[__name__].LAST = None  # type: ignore[attr-defined]


@pytest.mark.parametrize("scale", [_mask, _pair, _table, _last])
@pytest.mark.parametrize("run", ["step", "forward", "peak"])
def test_a_network_runs_on_its_own_tensors_after(scale: Callable[[int], Any], run: str) -> None:
    model = _Scaled(scale).train()
    it = Subject(name="it", model=model, inputs=Inputs(args=(torch.ones(2, 8),)), origin="memory")

    if run == "peak":
        forward_peak(it, torch.float32)
    elif run == "forward":
        run_forward(it, Recipe())
    else:
        run_step(it, Recipe(), optimiser("sgd"))

    assert type(model(torch.ones(2, 8))) is Tensor


@pytest.mark.parametrize("scale", [_mask, _table])
def test_a_forward_that_reads_values_finds_none_without_them(scale: Callable[[int], Any]) -> None:
    model = _Scaled(scale, reads=True).train()
    it = Subject(name="it", model=model, inputs=Inputs(args=(torch.ones(2, 8),)), origin="memory")

    assert run_step(it, Recipe(), optimiser("sgd")).has_data
    assert type(model(torch.ones(2, 8))) is Tensor


def test_what_was_stored_before_stays() -> None:
    before = _table(4)
    model = _Scaled(_table).train()
    it = Subject(name="it", model=model, inputs=Inputs(args=(torch.ones(2, 8),)), origin="memory")

    run_step(it, Recipe(), optimiser("sgd"))

    assert _table(4) is before
    assert list(TABLE) == [4]
