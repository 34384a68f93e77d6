"""What cannot be counted is named, never zero."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archscope.counting.constants import Constants, constants_of
from archscope.errors import ForwardError, ThresholdError
from archscope.library import params


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.from_numpy(x.detach().numpy() * 2)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad * 2


class Multiplied(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        return x @ w

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        return grad, grad


@torch.library.custom_op("archscope_test::twice", mutates_args=())
def twice(x: Tensor) -> Tensor:
    return x * 2


@twice.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


@torch.library.custom_op("archscope_test::opaque", mutates_args=())
def opaque(x: Tensor) -> Tensor:
    return x * 2


class Strange(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.kind = kind
        self.weight = nn.Parameter(torch.zeros(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc(x)
        if self.kind == "numpy":
            return Doubled.apply(x)
        if self.kind == "autograd":
            return Multiplied.apply(x, self.weight)
        if self.kind == "custom":
            return torch.ops.archscope_test.twice(x)
        return torch.ops.archscope_test.opaque(x)


@pytest.mark.parametrize(
    ("kind", "operator", "macs"),
    [
        ("numpy", "memory", 64),
        ("custom", "archscope_test::twice", 64),
        ("opaque", "archscope_test::opaque", 64),
    ],
)
def test_an_unknown_operator_is_named(kind: str, operator: str, macs: int) -> None:
    report = params(Strange(kind), torch.zeros(4, 4))

    warnings = [note for note in report.notes if note.level == "warning"]
    assert operator in {note.operator for note in warnings}
    assert all(note.calls and "% of all elements" in note.text for note in warnings)
    assert not report.totals.complete
    assert report.totals.macs == macs
    assert "lower bound" in report.to("table")


def test_a_custom_function_whose_parts_were_seen_is_exact() -> None:
    report = params(Strange("autograd"), torch.zeros(4, 4), strict=True)

    assert report.totals.macs == 2 * 4 * 4 * 4
    assert report.totals.complete


def test_strict_refuses_an_unknown_operator() -> None:
    with pytest.raises(ThresholdError, match="twice") as raised:
        params(Strange("custom"), torch.zeros(4, 4), strict=True)

    assert raised.value.exit_code == 3


class FailsInside(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.enc = nn.Sequential(nn.Linear(8, 8), nn.Linear(9, 8))
        self.last = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.enc(self.first(x)))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_forward_that_raises_is_reported_up_to_there(device: str) -> None:
    model = FailsInside().to(device)

    with pytest.raises(ForwardError) as raised:
        params(model, torch.zeros(3, 4, device=device))

    error = raised.value
    assert error.module == "enc.1"
    assert "enc.1 (Linear) with input 3x8" in str(error)
    assert error.__cause__ is not None
    rows = {row.path: row for row in error.report.section("modules").rows}
    assert rows["first"].macs == 3 * 4 * 8
    assert rows["enc.0"].macs == 3 * 8 * 8
    assert rows["enc.1"].macs is None
    assert rows["last"].macs is None
    assert rows["last"].trainable == 18
    assert not error.report.totals.complete
    # 4*8+8 + 8*8+8 + 9*8+8 + 8*2+2 = 210
    assert error.report.totals.trainable == 210


def test_without_inputs_parameters_alone_are_counted() -> None:
    report = params(nn.Linear(4, 8))

    assert report.totals.trainable == 40
    assert report.totals.macs is None
    assert report.totals.flops is None
    assert any("no inputs given" in note.text for note in report.notes)
    asked = params(nn.Linear(4, 8), torch.ones(1, 4), flops=False)
    assert [note.level for note in asked.notes] == ["info"], "what was asked for is no warning"
    assert asked.totals.macs is None


def test_scripted_code_is_counted_by_one_engine() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scripting is deprecated
        scripted = torch.jit.script(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)))
    report = params(nn.Sequential(nn.Linear(4, 4), scripted), torch.zeros(1, 4))

    rows = {row.path: row.own_macs for row in report.section("modules").rows}
    assert rows == {"": 0, "0": 16, "1": 0, "1.0": 32, "1.1": 0, "1.2": 16}
    assert report.totals.macs == 64
    assert report.totals.flops == 64
    assert report.totals.complete
    assert any("part of it is scripted" in note.text for note in report.notes)


CALLS: list[int] = []


class Alternating(nn.Module):
    """Does something else each time that it is called, whoever calls it."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        CALLS.append(1)
        return self.fc(x) if len(CALLS) % 3 != 1 else self.fc(self.fc(x))


def test_a_disagreement_is_shown() -> None:
    CALLS.clear()
    report = params(Alternating(), torch.zeros(1, 4))

    assert report.totals.macs == 32
    assert not report.totals.complete
    assert any("disagree in fc" in note.text and "32" in note.text for note in report.notes)


class OnData(nn.Module):
    """Needs data for its control flow."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(int(x.sum().item())):
            x = self.fc(x)
        return x


def test_control_flow_over_data_is_run_for_real() -> None:
    report = params(OnData(), torch.ones(1, 4))

    assert report.totals.macs >= 4 * 16
    assert report.environment.device != "meta"


def test_a_compiled_model_is_counted_as_it_was_written() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))

    report = params(torch.compile(model), torch.zeros(1, 4), strict=True)

    assert report.totals.macs == 24
    assert report.section("modules").rows[0].type == "Sequential"


def test_a_compiled_part_is_counted_as_it_was_written() -> None:
    model = nn.Sequential(nn.Linear(4, 4), torch.compile(nn.Linear(4, 2)))

    assert params(model, torch.zeros(1, 4), strict=True).totals.macs == 24


def test_a_replicated_model_is_counted_once() -> None:
    assert params(nn.DataParallel(nn.Linear(4, 4)), torch.zeros(1, 4)).totals.macs == 16


class Sparse(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sparse.mm(x.to_sparse(), x.t())


def test_a_sparse_product_of_the_input_is_counted_by_its_entries() -> None:
    report = params(Sparse(), torch.eye(4))

    assert report.totals.complete
    assert report.totals.macs == 4 * 4


def test_numbers_that_freezing_made_constants_are_told() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scripting is deprecated
        scripted = torch.jit.script(nn.Sequential(nn.Linear(4, 8), nn.ReLU()).eval())
        frozen = torch.jit.freeze(scripted)

    assert not constants_of(scripted).numbers
    # 4*8 weights and 8 biases
    assert constants_of(frozen) == Constants(tensors=2, numbers=40, alone=True)
    report = params(frozen)
    assert report.totals.trainable == 0
    assert "holds 40 numbers in 2 tensors" in report.notes[0].text
    assert report.notes[0].level == "warning"


def test_an_operator_that_runs_on_data_alone_is_named_in_short() -> None:
    a, b = (torch.zeros(3, columns, device="meta") for columns in (2, 1))
    with pytest.raises(ForwardError, match=r"with input 3x2, 3x1: aten::linalg_lstsq\S* runs on"):
        params(LeastSquares(), a, b)


class LeastSquares(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.linalg.lstsq(a, b).solution
