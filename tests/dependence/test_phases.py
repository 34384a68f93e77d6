"""Behind up-sampling, windows of outputs differ in turn: coverage is of the one that sees least."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archscope import receptive_field
from archscope.dependence.answer.phases import has_gaps, least
from archscope.dependence.answer.receptive import receptive
from archscope.subject import Inputs

HALF = 6
"""Units on either side of the middle whose gradients are looked at: more than a period."""


class Sum(nn.Module):
    """Two ways whose maps are of one size."""

    def __init__(self, one: nn.Module, two: nn.Module) -> None:
        super().__init__()
        self.one, self.two = one, two

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.one(x) + self.two(x)
        return found


def _conv(kernel: tuple[int, ...], rate: tuple[int, ...]) -> nn.Module:
    """Return a convolution that leaves the size as it is; kernels are odd."""
    padding = tuple(d * (k // 2) for k, d in zip(kernel, rate, strict=True))
    kind = nn.Conv1d if len(kernel) == 1 else nn.Conv2d
    return kind(1, 1, kernel, padding=padding, dilation=rate, bias=False)  # type: ignore[arg-type]


def _drawn(seed: int) -> tuple[nn.Sequential, int]:
    """Return a stack that up-samples at least once, and its axes of positions."""
    draw, axes = random.Random(seed), 1 + seed % 2

    def conv() -> nn.Module:
        kernel = tuple(draw.choice((1, 3)) for _ in range(axes))
        return _conv(kernel, tuple(draw.randint(1, 3) for _ in range(axes)))

    def up() -> nn.Module:
        kind = draw.choice(("transposed", "transposed", "nearest", "linear"))
        if kind != "transposed":
            mode = ("linear", "bilinear")[axes - 1] if kind == "linear" else kind
            return nn.Upsample(scale_factor=2, mode=mode)
        made = (nn.ConvTranspose1d, nn.ConvTranspose2d)[axes - 1]
        kernel = tuple(draw.randint(2, 5) for _ in range(axes))
        return made(1, 1, kernel, stride=2, bias=False)  # type: ignore[arg-type]

    layers = [up(), *(draw.choice((conv, up, lambda: Sum(conv(), conv())))() for _ in range(2))]
    draw.shuffle(layers)
    return nn.Sequential(conv(), *layers).double(), axes


def _by_gradients(model: nn.Module, x: Tensor, axes: int) -> tuple[Fraction, bool]:
    """Return the least share of its window that an output in the middle sees; are there gaps."""
    for weight in model.parameters():
        nn.init.uniform_(weight, 0.1, 1.0)  # positive: nothing cancels
    x.requires_grad_(True)
    y = model(x)
    shares, gaps = [], False
    for unit in product(*(range(size // 2 - HALF, size // 2 + HALF) for size in y.shape[2:])):
        (found,) = torch.autograd.grad(y[(0, 0, *unit)], x, retain_graph=True)
        mask = (found[0, 0] != 0).numpy()
        places = np.argwhere(mask)
        if not len(places):
            continue
        window = mask[
            tuple(slice(a, b + 1) for a, b in zip(places.min(0), places.max(0), strict=True))
        ]
        shares.append(Fraction(int(mask.sum()), window.size))
        gaps = gaps or has_gaps(window)
    return min(shares), gaps


@pytest.mark.parametrize("seed", range(10))
def test_coverage_is_that_of_the_output_that_sees_least(one_thread: None, seed: int) -> None:
    model, axes = _drawn(seed)
    x = torch.rand(1, 1, *(32,) * axes, dtype=torch.float64)

    totals = receptive_field(model, x).totals
    share, gaps = _by_gradients(model, x, axes)

    assert totals.coverage == pytest.approx(float(share), abs=1e-12)
    assert (totals.has_gaps, totals.is_full) == (gaps, share == 1)


def test_outputs_with_holes_beside_others_without_are_no_clean_bill() -> None:
    # Taps 0, 2, 4; each even output reads two neighbours of these, 0 to 5, and each odd one alone.
    model = nn.Sequential(nn.Conv1d(1, 1, 3, dilation=2), nn.ConvTranspose1d(1, 1, 3, stride=2))
    report = receptive_field(model, torch.zeros(1, 1, 40))

    totals = report.totals
    assert (totals.receptive_field, totals.smallest_field) == ((6,), (5,))
    assert (totals.reached, totals.positions) == (6, 6)
    assert (totals.coverage, totals.coverage_1d) == (3 / 5, (3 / 5,))
    assert (totals.is_full, totals.has_gaps) == (False, True)
    assert report.notes[0].text == (
        "Gridding differs between outputs: one sees only 3 of the 5 positions (60.0%) of its "
        "5-position receptive field."
    )


def test_where_all_outputs_see_alike_none_is_singled_out() -> None:
    found = receptive(nn.Conv1d(1, 1, 3, dilation=2), Inputs(args=(torch.zeros(1, 1, 40),)))

    assert least(found.target.field) is None


class Coupling(nn.Module):
    """Cells of one colour of a chessboard, changed by what those of the other colour say.

    Dinh et al. 2017, Density estimation using Real NVP, section 3.4.
    """

    def __init__(self, colour: int, size: int = 12) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 5, padding=2)
        places = torch.arange(size)
        self.register_buffer("kept", ((places[:, None] + places) % 2 == colour).float())

    def forward(self, x: Tensor) -> Tensor:
        assert isinstance(self.kept, Tensor)
        kept = x * self.kept
        return kept + (1 - self.kept) * (x + self.conv(kept))


@pytest.mark.parametrize("colour", [0, 1])
def test_of_cells_of_a_chessboard_those_that_see_most_are_told(colour: int) -> None:
    report = receptive_field(Coupling(colour), torch.zeros(1, 1, 12, 12))

    # 12 cells of the other colour, and its own: the others see themselves alone.
    totals = report.totals
    assert (totals.receptive_field, totals.reached, totals.positions) == ((5, 5), 13, 25)
    assert report.sections[0].rows[-1].reached == 13
    assert report.notes[0].text.startswith("Gridding: 12 of 25 positions (48.0%)")
