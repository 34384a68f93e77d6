"""The effective receptive field: how much each input position moves an output, measured.

Gradients of the unit in the middle, averaged over images (Luo et al. 2016). Two readings of the
same gradients: the raw mass, and the area ratio of RepLKNet (Ding et al. 2022), whose logarithm
makes it another quantity that cannot be compared with a mass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from archscope.dependence.capture import input_tensors
from archscope.dependence.examine import Examination
from archscope.dependence.graph import Value
from archscope.dependence.runs import fresh_input, runner
from archscope.errors import UsageError
from archscope.subject import Inputs

THRESHOLDS = (0.2, 0.3, 0.5, 0.99)
"""Shares of the mass, as RepLKNet's script has them."""


@dataclass(frozen=True, eq=False)
class Gradients:
    """Gradients over the positions of the input, summed over channels, averaged over images."""

    magnitude: NDArray[np.float64]
    """Of the unit's features added up: absolute values."""
    positive: NDArray[np.float64]
    """Of its features after a ReLU: the positive part alone, as RepLKNet takes it."""
    images: int


def gradients(
    model: nn.Module,
    inputs: Inputs,
    exam: Examination,
    target: Value,
    *,
    images: int = 0,
    given: Tensor | None = None,
) -> Gradients:
    """Measure the middle unit's gradients over `images` random inputs, or over `given` (N, ...).

    The network runs with its own weights in float64; without any, with random ones, seed 0. Raises
    `UsageError` for inputs that have no gradient.
    """
    like = input_tensors(inputs)[exam.input]
    if not like.is_floating_point():
        raise UsageError("tokens have no gradient: the effective receptive field needs numbers")
    bodiless = any(tensor.is_meta for tensor in model.parameters())
    run = runner(model, inputs, exam, target, seed=0 if bodiless else None)
    field = exam.total(target)
    if field is None:
        raise UsageError("the output does not depend on the input")
    units = field.unit_axes
    magnitude = np.zeros(exam.sizes)
    positive = np.zeros(exam.sizes)
    count = images if given is None else len(given)
    for number in range(count):
        x = fresh_input(model, like, number) if given is None else given[number : number + 1]
        x = x.detach().double().requires_grad_(True)
        with torch.enable_grad():
            y = run(x)
            at = tuple(
                y.shape[axis] // 2 if axis in units else slice(None) for axis in range(y.dim())
            )
            plain, rectified = y[at].sum(), torch.relu(y[at]).sum()
            (one,) = torch.autograd.grad(plain, x, retain_graph=True)
            (other,) = torch.autograd.grad(rectified, x)
        magnitude += _over(one.abs(), exam.axes)
        positive += _over(torch.relu(other), exam.axes)
    return Gradients(magnitude / count, positive / count, count)


def _over(gradient: Tensor, axes: Sequence[int]) -> NDArray[np.float64]:
    others = tuple(axis for axis in range(gradient.dim()) if axis not in axes)
    summed = gradient.sum(others) if others else gradient
    found: NDArray[np.float64] = summed.detach().cpu().numpy()
    return found


def mass_sides(mass: NDArray[np.float64]) -> Iterator[tuple[float, int | None]]:
    """Yield each threshold and the side of the smallest centred square that holds so much."""
    for threshold in THRESHOLDS:
        yield threshold, _side(mass, threshold, first=0)


def replknet_sides(positive: NDArray[np.float64]) -> Iterator[tuple[float, int | None]]:
    """Yield the same of log10(1 + x) / max, as RepLKNet's erf/analyze_erf.py: sides from 3 on.

    None where the threshold is not reached within half of the shortest axis; its script stops
    there with an error.
    """
    logarithm = np.log10(positive + 1)
    peak = float(logarithm.max())
    for threshold in THRESHOLDS:
        yield threshold, _side(logarithm / peak, threshold, first=1) if peak else None


def _side(mass: NDArray[np.float64], threshold: float, *, first: int) -> int | None:
    total = float(mass.sum())
    for reach in range(first, min(mass.shape) // 2):
        window = tuple(slice(size // 2 - reach, size // 2 + reach + 1) for size in mass.shape)
        if float(mass[window].sum()) > threshold * total:
            return 2 * reach + 1
    return None


def spread(mass: NDArray[np.float64]) -> float:
    """Return the standard deviation of the mass along the first axis."""
    line = mass.sum(tuple(range(1, mass.ndim)))
    line = line / line.sum()
    places = np.arange(len(line))
    mean = float((places * line).sum())
    return sqrt(float(((places - mean) ** 2 * line).sum()))


def area(side: int, sizes: Sequence[int]) -> float:
    """Return a centred square's share of the input."""
    return float(side ** len(sizes)) / prod(sizes)
