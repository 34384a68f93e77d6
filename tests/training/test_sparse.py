"""Weights that store some of their entries alone are trained as torch trains them."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import archscope
from archscope.errors import ArchscopeError

ROWS, INPUTS, OUTPUTS = 5, 16, 8
STORED = 40
"""Entries of the weight, of 128."""


def compressed(layout: torch.layout) -> nn.Parameter:
    numbers = torch.zeros(OUTPUTS * INPUTS)
    numbers[torch.randperm(numbers.numel())[:STORED]] = 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch: sparse CSR is in beta
        return nn.Parameter(numbers.view(OUTPUTS, INPUTS).to_sparse(layout=layout))


WAYS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "on the left": lambda weight, x: (weight @ x.t()).t(),
    "on the right": lambda weight, x: x @ weight.t(),
    "linear": functional.linear,
    "with something added": lambda weight, x: torch.addmm(torch.ones(1), weight, x.t()).t(),
    "sparse.mm": lambda weight, x: torch.sparse.mm(weight, x.t()).t(),
    "sparse.addmm": lambda weight, x: torch.sparse.addmm(
        torch.ones(OUTPUTS, ROWS, requires_grad=True), weight, x.t()
    ).t(),
}
LAYOUTS = {"coo": torch.sparse_coo, "csr": torch.sparse_csr, "csc": torch.sparse_csc}


class Sparse(nn.Module):
    def __init__(self, layout: torch.layout, way: str) -> None:
        super().__init__()
        self.inner = nn.Linear(INPUTS, INPUTS)
        self.weight = compressed(layout)
        self._way = WAYS[way]

    def forward(self, x: Tensor) -> Tensor:
        return self._way(self.weight, self.inner(x))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients_of_what_is_stored_are_dense_products(layout: str, way: str) -> None:
    if layout == "csc" and way.startswith("sparse."):
        pytest.skip("torch has no backward of it")
    report = archscope.train(Sparse(LAYOUTS[layout], way), torch.zeros(ROWS, INPUTS))

    row = report.sections[0].rows[0]
    sampled = layout == "csr" and way.startswith("sparse.")  # torch multiplies what it keeps alone
    assert row.agrees
    assert row.own_forward == ROWS * STORED
    assert row.own_by_input == ROWS * STORED
    assert row.own_by_weight == (ROWS * STORED if sampled else ROWS * INPUTS * OUTPUTS)
    assert not [note for note in report.notes if note.level == "warning"]


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "momentum", "adafactor", "muon"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_no_optimiser_updates_is_refused(layout: str, optimizer: str) -> None:
    model, x = Sparse(LAYOUTS[layout], "on the left"), torch.zeros(ROWS, INPUTS)

    with pytest.raises(ArchscopeError, match=r"\(8, 16\) is sparse and its gradient is not"):
        archscope.memory(model, x, optimizer=optimizer)


@pytest.mark.parametrize("way", [torch.optim.AdamW, torch.optim.SGD])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_torchs_optimisers_indeed_do_not(layout: str, way: type[torch.optim.Optimizer]) -> None:
    model = Sparse(LAYOUTS[layout], "on the left")
    model(torch.ones(ROWS, INPUTS)).sum().backward()

    with pytest.raises((RuntimeError, NotImplementedError)):
        way(model.parameters()).step()


@pytest.mark.parametrize("layout", ["coo", "csr"])
def test_sparse_gradients_are_updated_by_sgd(layout: str) -> None:
    model, x = Sparse(LAYOUTS[layout], "sparse.mm"), torch.zeros(ROWS, INPUTS)

    assert archscope.memory(model, x, optimizer="sgd")
