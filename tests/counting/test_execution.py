"""A forward on shapes alone: what it makes of constants has data, unless that is very large."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import archscope
from archscope.counting.execution import ShapesOnly
from archscope.errors import ForwardError

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


class Placed(nn.Module):
    """Words with their places, of which there are eight."""

    def __init__(self, places: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.words, self.table = nn.Embedding(50, 4), nn.Embedding(8, 4)
        self.places = places

    def forward(self, ids: Tensor) -> Tensor:
        found: Tensor = self.words(ids) + self.table(self.places(ids))
        return found


PLACES: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda ids: torch.arange(ids.shape[1], device=ids.device),
    lambda ids: torch.arange(100).flip(0)[-ids.shape[1] :],
    lambda ids: torch.ones_like(ids).cumsum(1) - 1,
)


@pytest.mark.usefixtures("unsearched")
def test_a_row_beyond_its_table_is_an_error_as_it_is_with_data() -> None:
    for places in PLACES:
        model = Placed(places)
        assert archscope.params(model, torch.zeros(1, 8, dtype=torch.long)).totals.complete
        with pytest.raises(ForwardError, match=r"failed in table .* (row 8 is|out of range)"):
            archscope.params(model, torch.zeros(1, 9, dtype=torch.long))
    for verb in (archscope.memory, archscope.train):
        with pytest.raises(ForwardError, match=r"failed in table: .* row 8 is looked up"):
            verb(Placed(PLACES[0]), torch.zeros(1, 9, dtype=torch.long))
    clamped = Placed(lambda ids: torch.arange(ids.shape[1]).clamp_(max=7))
    assert archscope.params(clamped, torch.zeros(1, 9, dtype=torch.long)).totals.complete
