"""Swin Transformers on real tensors: who sees whom, and how maps shrink."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from archscope.families.swin import FAMILY
from archscope.families.swin.network import PatchMerging, WindowAttention, WindowBias
from archscope.families.swin.spec import SwinSpec


@pytest.mark.parametrize(("size", "batch"), [(32, 1), (27, 2), (12, 1)])
def test_any_size_of_image_gives_scores(size: int, batch: int) -> None:
    torch.manual_seed(0)
    spec = SwinSpec(
        blocks=(2, 3), heads=(1, 2), d_model=4, window=3, patch_size=2, classes=5, input_size=size,
        batch_size=batch,
    )  # fmt: skip
    network = FAMILY.network(spec).double()
    (image,) = FAMILY.inputs(spec).args

    scores = network(image.double())

    assert scores.shape == (batch, 5)
    assert scores.isfinite().all()
    torch.testing.assert_close(network(image[-1:].double()), scores[-1:])


@pytest.mark.parametrize(("shift", "height", "width"), [(0, 6, 6), (1, 6, 9), (1, 5, 3), (2, 6, 6)])
def test_a_position_sees_its_window_and_no_border_across(
    shift: int, height: int, width: int
) -> None:
    torch.manual_seed(0)
    attention = WindowAttention(4, 1, window=3, shift=shift).double()
    x = torch.randn(1, height, width, 4).double()
    before = attention(x)

    def window(place: int, size: int) -> int:
        """Which window a position is in: the map shifts only where it is more than one."""
        return (place - shift) // 3 if size > 3 and shift else place // 3

    for row in range(height):
        for column in range(width):
            changed = x.clone()
            changed[:, row, column] += 1
            sees = (attention(changed) != before).any(-1)[0]
            expected = torch.tensor(
                [
                    [
                        window(y, height) == window(row, height)
                        and window(z, width) == window(column, width)
                        for z in range(width)
                    ]
                    for y in range(height)
                ]
            )
            assert torch.equal(sees, expected), (row, column)


def test_a_bias_depends_on_the_offset_within_the_window() -> None:
    bias = WindowBias(3, 2)
    nn.init.normal_(bias.weight)
    found = bias(torch.zeros(1, 9, 1))
    for query in range(9):
        for key in range(9):
            rows, columns = query // 3 - key // 3 + 2, query % 3 - key % 3 + 2
            assert torch.equal(found[:, query, key], bias.weight[5 * rows + columns])
    assert len(found[0].unique()) == 25  # (2 * 3 - 1)^2 offsets


def test_merging_puts_four_neighbours_side_by_side() -> None:
    torch.manual_seed(0)
    merging = PatchMerging(2)
    x = torch.randn(1, 3, 4, 2)

    found = merging(x)

    assert found.shape == (1, 2, 2, 4)
    # as in the authors' code: top left, bottom left, top right, bottom right
    corners = torch.cat((x[0, 0, 2], x[0, 1, 2], x[0, 0, 3], x[0, 1, 3]))
    torch.testing.assert_close(found[0, 0, 1], merging.reduction(merging.norm(corners)))
    padded = torch.cat((x[0, 2, 0], torch.zeros(2), x[0, 2, 1], torch.zeros(2)))
    torch.testing.assert_close(found[0, 1, 0], merging.reduction(merging.norm(padded)))
