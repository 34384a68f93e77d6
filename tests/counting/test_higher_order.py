"""Operators that take functions are run, and what these call is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import archscope


class Calls(nn.Module):
    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function
        self.fc = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.fc, x)


def by_values(fc: nn.Module, x: Tensor) -> Tensor:
    return torch.cond(x.sum() >= 0, lambda v: fc(v), lambda v: fc(fc(v)), (x,))


def mapped(fc: nn.Module, x: Tensor) -> Tensor:
    return torch.ops.higher_order.map_impl(lambda v: (fc(v),), [x], [])[0]


def looped(fc: nn.Module, x: Tensor) -> Tensor:
    from torch._higher_order_ops.while_loop import while_loop

    return while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, fc(y)), (torch.tensor(0), x))[1]


def flexible(fc: nn.Module, x: Tensor) -> Tensor:
    from torch.nn.attention.flex_attention import flex_attention

    q = fc(x)[:, None]
    return flex_attention(q, q, q)


def ragged(fc: nn.Module, x: Tensor) -> Tensor:
    return fc(torch.nested.nested_tensor([x[0, :3], x[1]], layout=torch.jagged)).values()


def listed(fc: nn.Module, x: Tensor) -> Tensor:
    return fc(torch.nested.nested_tensor([x[0, :3], x[1]])).to_padded_tensor(0.0)


def ragged_attention(fc: nn.Module, x: Tensor) -> Tensor:
    q = fc(torch.nested.nested_tensor([x[0, :3], x[1]], layout=torch.jagged))
    q = q.unflatten(-1, (2, 4)).transpose(1, 2)
    return nn.functional.scaled_dot_product_attention(q, q, q).transpose(1, 2).values()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (by_values, 2 * 5 * 64),  # ten rows of 8 x 8, by the branch that is taken
        pytest.param(
            mapped,
            2 * 5 * 64,
            marks=pytest.mark.skipif(
                not hasattr(TorchDispatchMode, "supports_higher_order_operators"),
                reason="an older torch runs what it calls once more before a mode sees it",
            ),
        ),
        (looped, 3 * 2 * 5 * 64),  # three times round
        (flexible, 2 * 5 * 64 + 2 * 2 * 5 * 5 * 8),  # scores and their sum: 5 x 5 x 8 each
        (ragged, (3 + 5) * 64),  # eight rows are there
        (listed, (3 + 5) * 64),
        # Each sequence meets itself in 2 heads of 4 numbers: 3*3 and 5*5 scores, then their sums.
        (ragged_attention, (3 + 5) * 64 + 2 * (3 * 3 + 5 * 5) * 8),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_the_functions_call_is_counted(
    count: Any, function: Callable[..., Tensor], expected: int
) -> None:
    found = count(Calls(function), torch.zeros(2, 5, 8))
    assert found.failure is None
    assert found.dispatcher.macs().total() == expected
    assert "unknown" not in {tally.kind for tally in found.dispatcher.work.values()}


@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
@pytest.mark.filterwarnings("ignore")
def test_a_nested_input_is_told_by_its_parts(layout: torch.layout) -> None:
    # Three and five rows of 8 x 8. What differs from part to part is no shape, and none is told.
    given = torch.nested.nested_tensor([torch.zeros(3, 8), torch.zeros(5, 8)], layout=layout)
    report = archscope.params(nn.Sequential(nn.Linear(8, 8)), given)
    assert report.totals.complete
    assert report.totals.macs == 8 * 64
    (modules,) = [section for section in report.sections if section.name == "modules"]
    assert {row.output_shape for row in modules.rows} == {None}
    assert [shape.shape for shape in report.inputs] == [(3, 8), (5, 8)]
    assert "3×8" in report.to("table")
    assert json.loads(report.to("json"))
