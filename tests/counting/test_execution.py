"""A forward on shapes alone: what it makes of constants has data, unless that is very large."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import archscope
from archscope.counting.execution import ShapesOnly

MADE: dict[str, Callable[[int], Tensor]] = {
    "ones": lambda n: torch.ones(n, n),
    "an outer product": lambda n: torch.arange(n)[:, None] * torch.arange(n),
    "a table": lambda n: torch.linspace(0, 1, n).repeat(n, 1),
    "side by side": lambda n: torch.cat([torch.ones(1, n).expand(n, n)] * 2),
    "a triangle": lambda n: torch.ones(n, n, dtype=torch.bool).tril(),
}


@pytest.mark.parametrize("make", MADE.values(), ids=list(MADE))
def test_a_large_constant_has_no_data(make: Callable[[int], Tensor]) -> None:
    with ShapesOnly():
        small, large = make(8), make(2**15)

    assert not small.is_meta
    assert large.is_meta
    assert large.shape[-1] == 2**15


def test_what_a_mask_picks_of_large_constants_is_known() -> None:
    with ShapesOnly():
        places = torch.arange(2**14)
        picked = places[places % 4 == 0]

    assert picked.tolist() == [*range(0, 2**14, 4)]


@pytest.mark.parametrize("make", MADE.values(), ids=list(MADE))
@pytest.mark.parametrize("largest", [2**26, 16])
def test_what_is_counted_is_the_same(
    make: Callable[[int], Tensor], largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            table = make(x.shape[-2]).to(x.dtype)
            return table @ (x @ x.mT)

    monkeypatch.setattr("archscope.counting.execution._LARGEST_MADE", largest)
    totals = archscope.params(Mixed(), torch.empty(2, 6, 4)).totals

    rows = 12 if make is MADE["side by side"] else 6
    assert totals.complete
    assert totals.macs == 2 * (6 * 6 * 4 + rows * 6 * 6)
