"""Random networks of masks, tables, recurrences, attention and global operators against float64
gradients: what is said is never smaller, and equal where no bound is flagged."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from drawn.gradients import fault, shrunk
from drawn.networks import Drawn
from drawn.seeds import batches
from torch import nn

CHOSEN = (
    *(*range(18), 19, 21, 22, 27, 28, 29, 30, 33, 34, 36, 37, 40, 45, 47, 49, 51, 52, 53, 54, 58),
    63,
)
"""Seeds whose networks lead through every line, and from each to every next one, that those of the
first 64 lead through."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seeds", batches(CHOSEN, 4))
def test_random_networks_see_what_their_gradients_show(
    one_thread: None, seeds: Sequence[int]
) -> None:
    for seed in seeds:
        one = Drawn(seed)
        wrong = fault(one, seed)
        assert wrong is None, (seed, wrong[1], shrunk(one, seed, wrong[0]).model)


def test_what_is_missed_would_be_noticed_and_cut_down() -> None:
    class Sly(nn.Module):
        """The graph is recorded on shapes, and there it looks at nothing."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.is_meta else x + x.roll(1, -1)

    one = Drawn(0)
    one.axes, one.input = (2,), torch.rand(1, 2, 8, dtype=torch.float64)
    one = one.of(nn.Sequential(nn.Conv1d(2, 2, 1).double(), Sly(), nn.Tanh()), 1)

    wrong = fault(one, 0)

    assert wrong is not None
    assert wrong[0] == "too small"
    assert [type(layer) for layer in shrunk(one, 0, wrong[0]).model] == [Sly]
