"""Recurrent layers on shapes alone: few steps tell what all of them do."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archscope
from archscope.counting.dispatcher import DispatcherCounter
from archscope.counting.dispatcher_count import DispatcherCount
from archscope.counting.execution import ShapesOnly

KINDS: list[tuple[type[nn.RNNBase], dict[str, Any]]] = [
    (nn.LSTM, {}),
    (nn.LSTM, {"proj_size": 3}),
    (nn.GRU, {}),
    (nn.RNN, {}),
    (nn.RNN, {"nonlinearity": "relu"}),
]

WAYS = list(product((False, True), repeat=3))


def counted(model: nn.Module, *inputs: Tensor, all_steps: bool) -> tuple[DispatcherCount, Any]:
    model = model.to("meta").eval()
    counter = DispatcherCounter(model, {}, all_steps=all_steps)
    with torch.no_grad(), ShapesOnly(), counter.stack, counter:
        result = model(*(each.to("meta") for each in inputs))
    return counter.count, result


@pytest.mark.parametrize(
    ("two_ways", "batch_first", "bias"), list(product((False, True), repeat=3))
)
@pytest.mark.parametrize(("kind", "more"), KINDS)
def test_few_steps_tell_what_all_do(
    kind: type[nn.RNNBase], more: dict[str, Any], two_ways: bool, batch_first: bool, bias: bool
) -> None:
    layer = kind(
        5, 7, num_layers=2, bidirectional=two_ways, batch_first=batch_first, bias=bias, **more
    )
    model = nn.Sequential(nn.Linear(4, 5), layer)
    x = torch.zeros(2, 9, 4) if batch_first else torch.zeros(9, 2, 4)

    few, short = counted(model, x, all_steps=False)
    all_of_them, long = counted(model, x, all_steps=True)

    assert few.work == all_of_them.work
    assert few.weightless == all_of_them.weightless
    assert few.unlike == all_of_them.unlike == {}
    assert few.depth == all_of_them.depth
    assert few.output_shapes == all_of_them.output_shapes
    told = torch.utils._pytree.tree_leaves(short), torch.utils._pytree.tree_leaves(long)
    for one, other in zip(*told, strict=True):
        assert (one.shape, one.stride(), one.dtype) == (other.shape, other.stride(), other.dtype)


class Stale(dict[int, tuple[str, ...]]):
    """Says of all memory that it was another tensor's, until it is told otherwise."""

    def __init__(self, holder: str) -> None:
        super().__init__()
        self._holder = holder
        self._new: set[int] = set()

    def get(self, key: int, default: Any = None) -> Any:
        return default if key in self._new else (self._holder,)

    def pop(self, key: int, default: Any = None) -> Any:
        self._new.add(key)
        return default


def test_what_a_recurrence_returns_is_new_memory() -> None:
    class Squared(nn.LSTM):
        def forward(self, x: Tensor, hx: Any = None) -> Any:
            made = super().forward(x, hx)[0]
            return made @ made.mT

    model = nn.Sequential(Squared(4, 4), nn.Identity()).to("meta").eval()
    counter = DispatcherCounter(model, {}, all_steps=False)
    counter._inherited = Stale("1")  # type: ignore[assignment]
    with torch.no_grad(), ShapesOnly(), counter.stack, counter:
        model(torch.zeros(9, 3, 4, device="meta"))

    products = {path for path, operator in counter.count.work if operator == "aten::bmm"}
    assert products == {"0"}


class Noting(ShapesOnly):
    """Notes the operators that run."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[Any] = []

    def _run(self, func: Any, args: Any, kwargs: Any) -> Any:
        self.ran.append(func)
        return super()._run(func, args, kwargs)


def test_a_long_sequence_costs_no_more_than_a_short_one() -> None:
    operators = []
    for steps in (9, 900):
        model = nn.LSTM(4, 4, device="meta").eval()
        counter = DispatcherCounter(model, {}, all_steps=False)
        with torch.no_grad(), Noting() as noting, counter.stack, counter:
            model(torch.zeros(steps, 1, 4, device="meta"))
        operators.append(noting.ran)

    assert operators[0] == operators[1]


def test_a_long_sequence_is_exact_by_both_engines() -> None:
    report = archscope.params(nn.GRU(6, 5, bidirectional=True), torch.zeros(3000, 2, 6))

    # 3000 steps of 2 rows, 2 ways, 3 gates of 5, each by 6 inputs and 5 of the state
    assert report.totals.macs == 3000 * 2 * 2 * 3 * 5 * (6 + 5)
    assert report.totals.complete
    (note,) = report.notes
    assert "fvcore and torch's dispatcher count the same" in note.text


def test_packed_sequences_and_unbatched_ones_are_counted_as_ever() -> None:
    lengths = [9, 5]  # 14 steps in all
    packed = nn.utils.rnn.pack_padded_sequence(torch.zeros(9, 2, 4), torch.tensor(lengths))

    assert archscope.params(nn.LSTM(4, 4), packed).totals.macs == 14 * 4 * 4 * (4 + 4)
    assert archscope.params(nn.LSTM(4, 4), torch.zeros(14, 4)).totals.macs == 14 * 4 * 4 * (4 + 4)


class Written(nn.Module):
    """Derives through a recurrence in its forward."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.GRU(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            x = x.requires_grad_()
            (slope,) = torch.autograd.grad(self.layer(x)[0].sum(), x)
        return slope


def test_a_recurrence_that_is_derived_runs_all_its_steps() -> None:
    report = archscope.params(Written(), torch.zeros(8, 1, 4))

    forward = 8 * 3 * 4 * (4 + 4)
    assert report.totals.macs == 2 * forward - 3 * 4 * 4  # the first state needs no slope


def test_the_backward_of_a_fused_layer_meets_each_weight_twice() -> None:
    """By gradients of the input and of the weight; states and biases are no such weights."""
    layer = nn.LSTM(3, 4)
    counter = DispatcherCounter(layer, {})
    outputs, _ = layer(torch.zeros(5, 2, 3, requires_grad=True))

    with counter.stack, counter:
        outputs.sum().backward()

    rows, weights = 5 * 2, 16 * 3 + 16 * 4
    assert counter.count.macs().total() == 2 * rows * weights
