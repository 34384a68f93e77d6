"""Sparse operands count the entries that they store, complex products as four real ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.mkldnn import to_mkldnn

from archscope.counting.agreement import compare
from archscope.library import params

# Row 0 stores columns 0, 1, 3; row 1 column 2; row 2 columns 1, 2; row 3 none: 6 entries.
HELD = torch.tensor([[1.0, 1, 0, 1], [0, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
LAYOUTS = {"coo": Tensor.to_sparse, "csr": Tensor.to_sparse_csr, "csc": Tensor.to_sparse_csc}
pytestmark = pytest.mark.filterwarnings("ignore:Sparse")


def blocks(tensor: Tensor) -> Tensor:
    return tensor.to_sparse_bsr((2, 2))


def twice(_: Tensor) -> Tensor:
    return torch.sparse_coo_tensor([[0, 0], [1, 1]], [1.0, 1.0], (4, 4))


class Product(nn.Module):
    """Calls a function with a held tensor and the result of a layer of 4 x 4 weights."""

    def __init__(self, held: Tensor, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.register_buffer("held", held)
        self.function = function
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.held, self.fc(x))


def macs_of(count: Any, model: nn.Module, *args: Any, **kwargs: Any) -> int:
    found = compare(count(model, *args, **kwargs))
    assert found.complete, found.notes
    assert not [note for note in found.notes if note.level == "warning"]
    return found.macs.total()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda a, x: a @ x, 6 * 4),
        (lambda a, x: x @ a, 6 * 4),
        (lambda a, x: torch.addmm(x, a, x), 6 * 4),
        (lambda a, x: torch.mv(a, x[:, 0]), 6),
        (lambda a, x: a @ (a @ x), 2 * 6 * 4),
        (lambda a, x: a.t() @ x, 6 * 4),
        (lambda a, x: nn.functional.linear(x, a), 6 * 4),
        (lambda a, x: a.to_dense() @ x, 4 * 4 * 4),
    ],
)
def test_a_sparse_operand_counts_what_it_stores(
    count: Any, layout: str, function: Any, expected: int
) -> None:
    # The layer before it: 4 rows x 4 x 4 = 64.
    model = Product(LAYOUTS[layout](HELD), function)
    assert macs_of(count, model, torch.zeros(4, 4)) == 64 + expected


@pytest.mark.parametrize(
    ("held", "function", "expected"),
    [
        (Tensor.to_sparse, torch.spmm, 24),
        (Tensor.to_sparse, torch.sparse.mm, 24),
        (Tensor.to_sparse_csr, torch.sparse.mm, 24),
        (Tensor.to_sparse, lambda a, x: torch.sparse.addmm(x, a, x), 24),
        (Tensor.to_sparse_csr, lambda a, x: torch.sparse.mm(a, x, "mean"), 24),
        (Tensor.to_sparse_csr, lambda a, x: torch.sparse.sampled_addmm(a, x, x).to_dense(), 24),
        (Tensor.to_sparse, lambda a, x: torch.sparse.softmax(a, 1) @ x, 24),
        (Tensor.to_sparse, lambda a, x: torch.bmm(torch.stack([a, a]), torch.stack([x, x])), 48),
        (Tensor.to_sparse, lambda a, x: (2 * a) @ x, 24),
        # Values that the network makes: how many there are is the same.
        (Tensor.to_sparse, lambda a, x: (a * x[:, :1]) @ x, 24),
        # Blocks are stored whole, and each of the 4 of 2 x 2 has an entry: 16 numbers.
        (blocks, lambda a, x: a @ x, 16 * 4),
        # An entry that is stored twice multiplies twice.
        (twice, torch.spmm, 2 * 4),
    ],
)
def test_every_way_to_a_sparse_product(count: Any, held: Any, function: Any, expected: int) -> None:
    assert macs_of(count, Product(held(HELD), function), torch.ones(4, 4)) == 64 + expected


@pytest.mark.parametrize("layout", ["coo", "csr"])
def test_a_product_of_two_sparse_matrices_counts_the_pairs_that_meet(
    count: Any, layout: str
) -> None:
    # Columns 0, 1, 2, 3 store 1, 2, 2, 1 entries and rows 3, 1, 2, 0: 1*3 + 2*1 + 2*2 + 1*0 = 9.
    model = Product(LAYOUTS[layout](HELD), lambda a, x: (a @ a).to_dense() + x)
    assert macs_of(count, model, torch.zeros(4, 4)) == 64 + 9


def weighted(a: Tensor, x: Tensor) -> Tensor:
    rows = a._indices()[0]
    return torch.sparse_coo_tensor(a._indices(), x[rows, 0], (4, 4)) @ x


def test_entries_that_are_not_known_are_unknown_and_never_all(count: Any) -> None:
    model = Product(HELD.to_sparse(), weighted).to("meta")
    model.held = HELD.to_sparse()
    found = compare(count(model, torch.zeros(4, 4, device="meta")))
    assert not found.complete
    assert found.macs.total() == 64
    (note,) = [note for note in found.notes if note.level == "warning"]
    assert "entries its sparse operand stores is not known without data" in note.text


def test_on_shapes_alone_indices_are_kept(count: Any) -> None:
    model = Product(HELD.to_sparse(), torch.spmm)
    assert macs_of(count, model, torch.zeros(4, 4), execution="shapes") == 64 + 24


class Complex(nn.Module):
    def __init__(self, function: Callable[..., Tensor], *shape: int) -> None:
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.zeros(shape, dtype=torch.cfloat))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, self.weight)


def spectral(x: Tensor, weight: Tensor) -> Tensor:
    return torch.einsum("bixy,ioxy->boxy", x, weight)


@pytest.mark.parametrize(
    ("function", "weight", "x", "products"),
    [
        (nn.functional.linear, (8, 16), (4, 16), 4 * 16 * 8),
        (torch.matmul, (16, 8), (2, 4, 16), 2 * 4 * 16 * 8),
        (torch.bmm, (2, 16, 8), (2, 4, 16), 2 * 4 * 16 * 8),
        (spectral, (3, 5, 4, 4), (2, 3, 4, 4), 2 * 5 * 4 * 4 * 3),
        (torch.dot, (16,), (16,), 16),
        (torch.vdot, (16,), (16,), 16),
        (torch.linalg.vecdot, (4, 16), (4, 16), 4 * 16),
        (lambda x, w: w @ x, (8, 16), (16,), 8 * 16),
        (lambda x, w: torch.tensordot(x, w, 1), (16, 8), (4, 16), 4 * 16 * 8),
    ],
)
def test_a_complex_product_is_four_real_ones(
    count: Any, function: Any, weight: Any, x: Any, products: int
) -> None:
    model = Complex(function, *weight)
    found = compare(count(model, torch.zeros(x, dtype=torch.cfloat)))
    assert found.complete, found.notes
    assert found.macs.total() == 4 * products
    assert any("complex numbers: 4 real ones" in note.text for note in found.notes)


@pytest.mark.parametrize(
    ("model", "macs"),
    [
        # 2*5*8 results of 3*3 products, four real ones each
        (nn.Conv1d(3, 5, 3, dtype=torch.cfloat), 4 * 2 * 5 * 8 * 9),
        # 2*3*10 inputs, each for 5 channels and 3 taps
        (nn.ConvTranspose1d(3, 5, 3, dtype=torch.cfloat), 4 * 2 * 3 * 10 * 15),
    ],
)
def test_a_complex_convolution_is_four_real_ones(model: nn.Module, macs: int) -> None:
    found = params(nn.Sequential(model), torch.zeros(2, 3, 10, dtype=torch.cfloat), strict=True)

    assert [row.own_macs for row in found.section("modules").rows] == [0, macs]
    assert any("complex numbers: 4 real ones" in note.text for note in found.notes)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch is without oneDNN")
@pytest.mark.filterwarnings("ignore")  # torch.jit.script_method is deprecated, and torch uses it
def test_layers_in_onednns_layout_are_counted() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 8, 3, groups=2)
    )
    model = to_mkldnn(model.eval())

    report = params(model, torch.zeros(1, 3, 8, 8).to_mkldnn())

    # 4 x 6 x 6 outputs of 3 x 9 taps; 8 x 4 x 4 outputs of 2 x 9 taps in each of 2 groups
    assert report.totals.macs == 144 * 27 + 128 * 18
    assert report.totals.complete


def test_memory_without_values_may_be_sparse() -> None:
    model = Product(HELD, lambda a, x: x + torch.empty(4, 4, layout=torch.sparse_coo) @ a)

    assert params(model, torch.zeros(4, 4)).totals.macs == 4 * 4 * 4
