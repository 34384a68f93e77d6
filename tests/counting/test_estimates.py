"""FLOPs of transforms and factorisations stand beside the multiply-accumulates, never in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archscope
from archscope.counting.agreement import compare

PIVOTS = torch.arange(1, 5, dtype=torch.int32)


class After(nn.Module):
    """Calls a function with the result of a layer of 4 x 4 weights."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Any:
        return self.function(self.fc(x))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: torch.fft.fft(x + 0j), 5 * 16 * 2),  # 4 transforms: 5 * 4 * log2 4 each
        (torch.fft.fft, 5 * 16 * 2 / 2),  # half of it: the numbers are real
        (torch.fft.rfft, 5 * 16 * 2 / 2),
        (torch.fft.fft2, 5 * 16 * 4),  # 16 numbers, log2 16
        (lambda x: torch.fft.irfft(torch.fft.rfft(x)), 2 * 5 * 16 * 2 / 2),
        (lambda x: torch.cdist(x, x), 4 * 4 * 3 * 4),
        (torch.linalg.inv, 2 * 4**3),
        (torch.linalg.matrix_exp, 5 * 2 * 4**3),  # five products
        (torch.linalg.det, 43),  # 2 * 4**3 / 3 = 42.67
        (torch.linalg.cholesky, 21),  # 4**3 / 3 = 21.3
        (torch.linalg.eigh, 9 * 4**3),
        (torch.linalg.svd, 14 * 4**3 + 8 * 4**3),
        (torch.linalg.qr, 171),  # 4 * 16 * (4 - 4/3) = 170.67
        (lambda x: torch.linalg.solve(x, x[:, :2]), 107),  # 42.67 + 2 * 16 * 2
        (lambda x: torch.linalg.solve_triangular(x, x[:, :2], upper=True), 4 * 4 * 2),
        (lambda x: torch.pdist(x), 4 * 3 / 2 * 3 * 4),
        (lambda x: torch.linalg.lu_factor(x[:, :2]), 13),  # 4 * 2**2 - 2**3 / 3 = 13.3
        (lambda x: torch.linalg.qr(x[:, :2]), 53),  # 4 * 2**2 * (4 - 2/3) = 53.3
        (lambda x: torch.linalg.lstsq(x[:, :2], x), 27),  # half of it
        (lambda x: torch.linalg.householder_product(x[:, :2], x[0, :2]), 27),
        (lambda x: torch.linalg.svd(x[:, :2]), 14 * 4 * 2**2 + 8 * 2**3),
        (lambda x: torch.linalg.pinv(x[:, :2]), (14 + 2) * 4 * 2**2 + 8 * 2**3),
        (torch.linalg.eig, 25 * 4**3),
        (torch.linalg.eigvals, 25 * 4**3),
        (lambda x: torch.linalg.lu_solve(x, PIVOTS, x[:, :3]), 2 * 4**2 * 3),
        (lambda x: torch.cholesky_solve(x[:, :3], x), 2 * 4**2 * 3),
    ],
)
def test_an_estimate_stands_beside_the_totals(function: Any, expected: float) -> None:
    report = archscope.params(After(function), torch.eye(4))
    assert report.totals.complete
    assert report.totals.macs == 4 * 4 * 4
    section = report.find("params.operators")
    assert section is not None
    rows = [row for row in section.rows if row.kind == "estimated"]
    assert sum(row.estimated_flops for row in rows) == expected
    assert {row.macs for row in rows} == {0}
    modules = report.find("params.modules")
    assert modules is not None
    assert any("are estimated beside the totals" in note.text for note in modules.notes)


def test_complex_matrices_take_four_times_what_real_ones_do(count: Any) -> None:
    # 2 x 2 n^3 for a batch of two; the layer before it is real.
    real = compare(count(After(torch.linalg.inv), torch.zeros(2, 4, 4)))
    complex_ = compare(count(After(lambda x: torch.linalg.inv(x + 0j)), torch.zeros(2, 4, 4)))
    assert any("about 256 FLOPs" in note.text for note in real.notes)
    assert any("about 1,024 FLOPs" in note.text for note in complex_.notes)
