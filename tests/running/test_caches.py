"""What a user's functions and classes store while a copy runs without data is gone afterwards."""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import cache, lru_cache, wraps
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

import archscope
from archscope.subject import Inputs, Subject
from archscope.training.forward_peak import forward_peak
from archscope.training.optimisers import optimiser
from archscope.training.recipe import Recipe
from archscope.training.step import run_forward, run_step
from tests.running import other_file as other

TABLE: dict[Any, tuple[Tensor, ...]] = {}
DEEP: dict[str, list[dict[int, Tensor]]] = {"a": [{}]}
DEVICES: deque[Tensor] = deque(maxlen=1)
LAST: Tensor | None = None


@lru_cache
def _mask(size: int) -> Tensor:
    return torch.linspace(0, 1, size)


@cache
def _pair(size: int) -> dict[str, list[Tensor]]:
    return {"both": [torch.rand(size), torch.rand(size)]}


class _Held:
    cached: Tensor | None = None
    only: _Held | None = None
    by_size: ClassVar[dict[int, Tensor]] = {}

    def __init__(self) -> None:
        self.own: Tensor | None = None


HELD = _Held()


def _from_mask(x: Tensor) -> Tensor:
    return _mask(8)


def _from_pair(x: Tensor) -> Tensor:
    return _pair(8)["both"][0]


def _from_table(x: Tensor) -> Tensor:
    if 8 not in TABLE:
        TABLE[8] = (torch.linspace(0, 1, 8, device=x.device),)
    return TABLE[8][0]


def _from_name(x: Tensor) -> Tensor:
    global LAST
    if LAST is None:
        LAST = torch.linspace(0, 1, 8, device=x.device)
    return LAST


def _from_class(x: Tensor) -> Tensor:
    if _Held.cached is None:
        _Held.cached = x.new_ones(8)
    return _Held.cached


def _from_table_of_class(x: Tensor) -> Tensor:
    return _Held.by_size.setdefault(8, x.new_ones(8))


def _from_object(x: Tensor) -> Tensor:
    if HELD.own is None:
        HELD.own = x.new_ones(8)
    return HELD.own


def _remembered(make: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    made: dict[int, Tensor] = {}
    last: Tensor | None = None

    def remembers(x: Tensor) -> Tensor:
        nonlocal last
        if last is None:
            made[8] = last = make(x)
        return made[8]

    return wraps(make)(remembers)


@_remembered
def _from_closure(x: Tensor) -> Tensor:
    return x.new_ones(8)


def _from_default(x: Tensor, made: list[Tensor] = []) -> Tensor:  # noqa: B006
    if not made:
        made.append(x.new_ones(8))
    return made[0]


def _from_function(x: Tensor) -> Tensor:
    if "made" not in vars(_from_function):
        vars(_from_function)["made"] = x.new_ones(8)
    made: Tensor = vars(_from_function)["made"]
    return made


def _from_deep_within(x: Tensor) -> Tensor:
    return DEEP["a"][0].setdefault(8, x.new_ones(8))


def _from_object_of_class(x: Tensor) -> Tensor:
    if _Held.only is None:
        _Held.only = _Held()
        _Held.only.own = x.new_ones(8)
    assert _Held.only.own is not None
    return _Held.only.own


@lru_cache
def _shaped_like_last(size: int) -> Tensor:
    return DEVICES[-1].new_ones(size)


def _from_mask_elsewhere(x: Tensor) -> Tensor:
    DEVICES.append(x)
    return _shaped_like_last(8)


def _from_other_file(x: Tensor) -> Tensor:
    return other.ones_like(x)


STORES = (
    *(_from_mask, _from_pair, _from_table, _from_name),
    *(_from_class, _from_table_of_class, _from_object, _from_object_of_class),
    *(_from_closure, _from_default, _from_function, _from_deep_within),
    *(_from_mask_elsewhere, _from_other_file),
)


class _Scaled(nn.Module):
    def __init__(self, scale: Callable[[Tensor], Tensor], *, reads: bool = False) -> None:
        super().__init__()
        self.layer, self.reads = nn.Linear(8, 8), reads
        self._scale = scale

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x) * self._scale(x)
        return y if not self.reads or y.isfinite().all() else y.clamp(-1, 1)


def _network(scale: Callable[[Tensor], Tensor], **reads: bool) -> tuple[nn.Module, Subject]:
    model = _Scaled(scale, **reads).train()
    inputs = Inputs(args=(torch.ones(2, 8),))
    return model, Subject(name="it", model=model, inputs=inputs, origin="memory")


@pytest.fixture(autouse=True)
def empty() -> None:
    for function in (_mask, _pair, _shaped_like_last):
        function.cache_clear()
    TABLE.clear()
    _Held.by_size.clear()
    _Held.cached = _Held.only = HELD.own = None
    sys.modules[__name__].LAST = None  # type: ignore[attr-defined]


RUNS: dict[str, Callable[[Subject], object]] = {
    "a step": lambda it: run_step(it, Recipe(), optimiser("sgd")),
    "a forward": lambda it: run_forward(it, Recipe()),
    "a peak": lambda it: forward_peak(it, torch.float32),
    "counts": lambda it: archscope.params(it.model, torch.ones(2, 8)),
    "work": lambda it: archscope.train(it.model, torch.ones(2, 8)),
    "a field": lambda it: archscope.rf(it.model, torch.ones(2, 8)),
}


def _by_all(x: Tensor) -> Tensor:
    """Scale by what every kind of store holds: what looks for them is looked for once."""
    return torch.stack([scale(x) for scale in STORES]).sum(0)


def _without_data() -> list[str]:
    """Return which stores hold a tensor that has no data."""
    held = {scale.__name__: scale(torch.ones(2, 8)) for scale in STORES}
    return [name for name, x in held.items() if type(x) is not Tensor or x.device.type != "cpu"]


@pytest.mark.parametrize("run", RUNS)
def test_a_network_runs_on_its_own_tensors_after(run: str) -> None:
    model, it = _network(_by_all)

    RUNS[run](it)

    assert _without_data() == []
    made = model(torch.ones(2, 8))
    assert (type(made), made.device.type) == (Tensor, "cpu")


def test_a_forward_that_reads_values_finds_none_without_them() -> None:
    model, it = _network(_by_all, reads=True)

    assert run_step(it, Recipe(), optimiser("sgd")).has_data
    assert _without_data() == []
    assert type(model(torch.ones(2, 8))) is Tensor


def test_what_was_stored_before_stays() -> None:
    before = (torch.ones(3, device="meta"),)
    TABLE["the user's own"] = before
    _, it = _network(_from_table)

    run_step(it, Recipe(), optimiser("sgd"))

    assert list(TABLE) == ["the user's own"]
    assert TABLE["the user's own"] is before


class _Makes(OrderedDict[str, Any]):
    """Makes what is asked for, as tables of activations do."""

    made = 0

    def __getitem__(self, key: str) -> Any:
        type(self).made += 1
        return super().__getitem__(key)()


MAKES = _Makes(gelu=nn.GELU)
GROWN: dict[str, Any] = {}


class _Grows(nn.Linear):
    """Stores a table at its first call, and what it makes in that at later ones."""

    def forward(self, x: Tensor) -> Tensor:
        assert MAKES is not None
        if "table" in GROWN:
            GROWN["table"][len(GROWN["table"])] = x * 2
        GROWN.setdefault("table", {})
        return super().forward(x)


def test_tables_are_read_past_what_the_user_wrote() -> None:
    archscope.params(_Grows(2, 2), torch.rand(1, 2))

    assert _Makes.made == 0


def test_a_table_that_is_made_while_one_looks_is_looked_at_from_then_on() -> None:
    GROWN.clear()
    model = _Grows(2, 2)
    for _ in range(2):
        archscope.receptive_field(model, torch.rand(1, 2))

    held = [value for value in GROWN.get("table", {}).values() if value.is_meta]
    assert held == []
