"""What is complete is judged by the tensors that were written, not by the names of operators."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import ctc_loss
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from archscope.counting.operators import NONLINEAR, classify_torch
from archscope.library import params, train
from archscope.present._totals import listed

X = torch.rand(4, 8)
W = torch.rand(8, 8)


class Function(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8, bias=False)
        self.inner = Inner(function)

    def forward(self, x: Tensor) -> Any:
        return self.inner(self.fc(x))


class Inner(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self._function = function

    def forward(self, x: Tensor) -> Any:
        return self._function(x)


def filled(x: Tensor) -> Tensor:
    """Fill memory as an extension would: through its address."""
    out = torch.empty(x.shape)
    np.copyto(out.numpy(), x.numpy() @ W.numpy())
    return out


class Filled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return filled(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class TurnedByNumPy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return torch.from_numpy(gradient.numpy() @ W.numpy().T)


def by_address(x: Tensor) -> Tensor:
    """Read memory by its address, and fill other memory so: without data there is none."""
    out, values = torch.empty(4, 8), x.detach().contiguous()
    read = (ctypes.c_float * 32).from_address(values.data_ptr())
    filled = (ctypes.c_float * 32)(*(2 * each for each in read))
    ctypes.memmove(out.data_ptr(), filled, 4 * 32)
    return x + out


def partly(x: Tensor) -> Tensor:
    """Write over a part of what NumPy worked out."""
    out = torch.from_numpy(x.detach().numpy() @ W.numpy())
    out[0] = 1
    return x + out


def zeros_filled(x: Tensor) -> Tensor:
    """Have NumPy fill memory that torch had made of zeros."""
    out = torch.zeros(4, 8)
    out.numpy()[:] = x.detach().numpy() @ W.numpy()
    return x + out


def tangent(x: Tensor) -> Any:
    """x W along ones: x W, 1 W, and x times the tangent of W, zeros that torch multiplies too."""
    return torch.func.jvp(lambda v: v @ W.to(v.device), (x,), (torch.ones_like(x),))[1]


def turned_back(x: Tensor) -> Tensor:
    """x W, and x' times the gradient of it, towards W: what comes of it goes into no output."""
    with torch.enable_grad():
        (x.detach() @ W.to(x.device).clone().requires_grad_()).sum().backward()
    return x


FC = 4 * 8 * 8
EXACT: dict[str, tuple[Callable[[Tensor], Any], int]] = {
    # function, and the multiply-accumulates that it adds to those of `fc`
    "a derivative forwards": (tangent, 3 * FC),
    "a backward": (turned_back, 2 * FC),
    "memory for its shape": (lambda x: x + torch.zeros_like(torch.empty(4, 8)), 0),
    "memory for its type": (lambda x: x.to(torch.empty(1).dtype), 0),
    "no memory": (lambda x: torch.cat([torch.empty(0, 8), x]), 0),
    "filled": (lambda x: x + torch.empty(4, 8).fill_(1), 0),
    "random": (lambda x: x + x.new_empty(4, 8).normal_(), 0),
    "dropped by rows": (
        lambda x: torch.vmap(torch.nn.functional.dropout, randomness="different")(x),
        0,
    ),
    "drawn anew": (lambda x: x * torch.ops.aten.uniform(x.new_empty(4, 8)), 0),
    "copied into": (lambda x: torch.empty_like(x).copy_(x), 0),
    "written in parts": (lambda x: parts(x), 0),
    "written in a copy": (lambda x: torch.empty_like(x).index_copy(0, torch.arange(4), x), 0),
    "scattered in a copy": (
        lambda x: torch.empty_like(x).scatter(0, x.new_zeros(4, 8).long(), x),
        0,
    ),
    "reduced without itself": (
        lambda x: x.new_empty(4, 8).index_reduce(0, torch.arange(4), x, "amax", include_self=False),
        0,
    ),
    "turned, then drawn": (lambda x: x + x.new_empty(8, 4).t_().bernoulli_(0.5), 0),
    "resized": (lambda x: torch.empty(0).resize_(4, 8).copy_(x), 0),
    "result given": (lambda x: torch.mm(x, W.to(x.device), out=x.new_empty(4, 8)), FC),
    # the memory is not looked at: beta is 0
    "added nothing": (
        lambda x: torch.baddbmm(x.new_empty(1, 4, 4), x[None], x[None].mT, beta=0),
        4 * 4 * 8,
    ),
    "in place": (lambda x: x.new_zeros(4, 4).addmm_(x, x.T), 4 * 4 * 8),
    "batches in place": (lambda x: x.new_zeros(1, 4, 4).baddbmm_(x[None], x[None].mT), 4 * 4 * 8),
    "summed in place": (lambda x: x.new_zeros(4, 4).addbmm_(x[None], x[None].mT), 4 * 4 * 8),
    "a vector in place": (lambda x: x.new_zeros(4).addmv_(x, x[0]), 4 * 8),
    "vecdot": (lambda x: torch.linalg.vecdot(x, x), 4 * 8),
    # 4 x 4 pairs of 8
    "vecdot of all pairs": (lambda x: torch.linalg.vecdot(x[:, None], x[None]), 16 * 8),
    # three products of 4 x 4 matrices make a fifth power: square, square, times
    "a power": (lambda x: torch.linalg.matrix_power(x[:, :4], 5), 3 * 64),
    "a covariance": (lambda x: torch.cov(x), 4 * 4 * 8),
    "inner": (lambda x: torch.inner(x, x), 4 * 4 * 8),
    "where": (lambda x: x[(x.sum(-1) == 0).nonzero(as_tuple=True)], 0),
    "sorted": (lambda x: x[torch.argsort(x.sum(-1))], 0),
    "a policy": (lambda x: torch.distributions.Normal(x, x.exp()).log_prob(x), 0),
    "choices": (lambda x: torch.distributions.Categorical(logits=x).entropy(), 0),
    "checked": (lambda x: x * torch.equal(x, x) * torch.allclose(x, x), 0),
}


def parts(x: Tensor) -> Tensor:
    out = x.new_empty(4, 8)
    out[:2], out[2:] = x[:2], x[2:]
    return out


@pytest.mark.parametrize("name", EXACT)
def test_what_was_seen_is_exact(name: str) -> None:
    function, macs = EXACT[name]
    report = params(Function(function), X, strict=True)

    assert report.totals.macs == FC + macs
    assert report.totals.complete


@pytest.mark.parametrize(
    "function",
    [
        filled,
        Filled.apply,
        lambda x: filled(x) * 2,
        lambda x: filled(x).mul_(2),
        lambda x: filled(x).masked_fill_(x > 0, 0),
        lambda x: x + torch.from_numpy(x.numpy() @ W.numpy()),
        lambda x: x + torch.tensor([[sum(row)] * 8 for row in x.tolist()]),
        lambda x: x + torch.empty(4, 8),
        by_address,
        partly,
        zeros_filled,
    ],
    ids=[
        *("returned", "custom function", "read", "read in place", "masked in place"),
        *("an array", "a list", "nobody wrote it", "by address", "an array, partly written"),
        "zeros",
    ],
)
def test_what_was_written_out_of_sight_is_named_once(function: Callable[[Tensor], Tensor]) -> None:
    report = params(Function(function), X)

    warnings = [note for note in report.notes if note.level == "warning"]
    assert len(warnings) == 1
    assert "in inner" in warnings[0].text
    assert "lower bound" in warnings[0].text
    assert not report.totals.complete
    rows = {row.path: row.complete for row in report.section("modules").rows}
    assert rows == {"": False, "fc": True, "inner": False}


def test_a_step_is_a_bound_where_its_forward_was_out_of_sight() -> None:
    for function, complete in (
        (lambda x: x + torch.from_numpy(x.detach().numpy() @ W.numpy()).relu_(), False),
        (by_address, False),
        (zeros_filled, False),
        (lambda x: torch.zeros(4, 8).copy_(x) + torch.ones(8) * len(x.tolist()), True),
        (TurnedByNumPy.apply, False),
        (lambda x: torch.empty_like(x).index_copy(0, (x[:, 0] < 9).nonzero()[:, 0], x), True),
        (lambda x: x * torch.tensor(len(x.tolist())), True),
        # torch's kernel fills what it made by an address
        (lambda x: ctc_loss(x.log_softmax(-1), torch.ones(1, 2), [4], [2]) + x.sum().item(), True),
    ):
        report = train(Function(function), X)

        assert report.totals.complete is complete
        assert any("out of torch's sight" in note.text for note in report.notes) is not complete
        assert ("≥ " in dict(listed(report))["Step"]) is not complete
        assert (report.totals.ratio is None) is not complete
        assert ("MACs of a step ≥ 512: forward ≥ 256" in report.to("table")) is not complete


class Packed(nn.Module):
    """A recurrence over sequences of several lengths, which torch unpacks by addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 8, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0]


def test_what_torch_fills_by_an_address_was_seen() -> None:
    report = params(Packed(), torch.rand(3, 5, 8), torch.tensor([5, 3, 2]), strict=True)

    # 10 steps, each 4 gates of 8 by 8 for the input and for the state
    assert report.totals.macs == 10 * 2 * 4 * 8 * 8


class ScaledByNumpy(nn.Module):
    """Multiplies by a constant that NumPy made of nothing that a tensor held."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x) * torch.from_numpy(np.ones(8, dtype="float32"))


def test_a_constant_of_numpy_holds_no_work() -> None:
    assert params(ScaledByNumpy(), torch.rand(4, 8), strict=True).totals.macs == 4 * 64


class ListedLengths(nn.Module):
    """Lists lengths, which are no numbers of a feature, and one number for a log."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        weights = torch.tensor([1.0 / length for length in lengths.tolist()])
        self.fc.bias[:1].tolist()
        return self.fc(x) * weights[:, None] * torch.tensor(2.0)


def test_lengths_and_a_log_hold_no_work() -> None:
    report = params(ListedLengths(), torch.rand(4, 8), torch.tensor([3, 1, 4, 2]), strict=True)

    assert report.totals.macs == 4 * 64


SCALES = [0.5, 0.25] * 4


class ListedForALog(nn.Module):
    """Lists numbers for a log alone; what it makes tensors of was there before."""

    def __init__(self, *, works: bool = False) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)
        self.means = [[0.1 * place for place in range(8)]]
        self.works = works

    def forward(self, x: Tensor) -> Tensor:
        log = self.fc(x)[0].tolist()
        written = torch.tensor([1.5, -2.5, 1.5, 3.5, 1.5, 1.5, 1.5, 1.5])
        made = [sum(log) / 8, *SCALES[1:]] if self.works else SCALES
        return (x - torch.tensor(self.means)) * torch.tensor(made) + written


@pytest.mark.parametrize("works", [False, True])
def test_constants_behind_a_list_hold_no_work(works: bool) -> None:
    report = params(ListedForALog(works=works), torch.rand(4, 8))

    assert report.totals.macs == 4 * 64
    assert report.totals.complete is not works


class Covariance(nn.Module):
    """A product that fvcore does not know, behind one that it does."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cov(self.fc(x))


def test_engines_are_not_said_to_agree_where_one_counted() -> None:
    report = params(Covariance(), torch.rand(4, 8), strict=True)

    said = " ".join(note.text for note in report.notes)
    # 4 rows of 8 x 8 products; 4 x 4 pairs of rows of 8
    assert report.totals.macs == 256 + 128
    assert "fvcore does not know aten::cov: in the model itself" in said
    assert "count the same other multiply-accumulates in the one module" in said

    convolution = nn.Sequential(nn.Conv1d(3, 5, 3, dtype=torch.cfloat))
    report = params(convolution, torch.zeros(2, 3, 10, dtype=torch.cfloat), strict=True)

    assert not any("count the same" in note.text for note in report.notes)


@pytest.mark.parametrize("name", sorted(NONLINEAR))
def test_an_activation_is_known_whatever_torch_marks(name: str) -> None:
    assert classify_torch(f"aten::{name}") != "unknown"


@pytest.mark.parametrize("name", ["_convolution_double_backward", "_cudnn_rnn_flatten_weight"])
def test_a_name_that_begins_as_another_is_not_taken_for_it(name: str) -> None:
    assert classify_torch(f"aten::{name}") == "unknown"
