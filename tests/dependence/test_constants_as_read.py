"""A mask that is written to counts as it was when it was read, on shapes and on data."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from archscope.dependence.answer.examine import examine
from archscope.dependence.sets.terms import along
from archscope.subject import Inputs

SIZE = 6


class Masked(nn.Module):
    """Multiplies with a mask of its own, and changes it in some way."""

    def __init__(self, change: Callable[[Tensor], object], *, on_data: bool) -> None:
        super().__init__()
        self.change, self.on_data = change, on_data

    def forward(self, x: Tensor) -> Tensor:
        if self.on_data and x.isnan().any():
            raise ValueError
        mask = torch.ones(SIZE)
        before = x * torch.stack((mask, mask))[0] if self.on_data else x * mask
        self.change(mask)
        after = x * mask[:SIZE]
        return torch.cat((before, after, before + after))


def close(mask: Tensor) -> None:
    mask[3:] = 0


def close_by_a_view(mask: Tensor) -> None:
    mask.view(2, 3)[1].zero_()


def close_and_grow(mask: Tensor) -> None:
    mask.resize_(2 * SIZE)[3:] = 0


@pytest.mark.parametrize("on_data", [False, True], ids=["shapes", "data"])
@pytest.mark.parametrize("change", [close, close_by_a_view, close_and_grow])
def test_a_mask_counts_as_it_was_when_it_was_read(
    change: Callable[[Tensor], object], on_data: bool
) -> None:
    x, model = torch.zeros(1, SIZE), Masked(change, on_data=on_data)
    found = examine(model, Inputs(args=(x,)), axes=(0, 1))
    field = found.total(found.graph.outputs["0"])
    assert field is not None
    pattern = along(field.terms, 1)
    told = [
        [pattern.sets.bits(int(pattern.at((row, at))[0])) for at in range(SIZE)] for row in range(3)
    ]
    # What is seen by changing one position at a time.
    moves = [model(x + one) != model(x) for one in torch.eye(SIZE)[:, None]]
    seen = [
        [sum(1 << place for place, moved in enumerate(moves) if moved[row, at])
         for at in range(SIZE)]
        for row in range(3)
    ]  # fmt: skip

    assert found.graph.executed == ("data" if on_data else "shapes")
    assert told == seen == [[1, 2, 4, 8, 16, 32], [1, 2, 4, 0, 0, 0], [1, 2, 4, 8, 16, 32]]
