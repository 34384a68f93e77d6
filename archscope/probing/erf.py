"""The effective receptive field: how much each input position moves an output, measured.

Gradients of one unit, averaged over images (Luo et al. 2016). Two readings of the same gradients:
the raw mass, and the area ratio of RepLKNet (Ding et al. 2022), whose logarithm makes it another
quantity that cannot be compared with a mass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from archscope.dependence.answer.examine import Examination
from archscope.dependence.record.argument_names import input_tensors
from archscope.dependence.record.graph import Value
from archscope.errors import ArchscopeError, UsageError
from archscope.probing.runs import Runner, fresh_input, runner
from archscope.records import frozen
from archscope.subject import Inputs
from archscope.theory.metrics import standard_deviation

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
    unit: Mapping[int, int]
    """The unit that was measured, by axis of the chosen output."""


@frozen
class Square:
    """The smallest square around the middle that holds a share of a mass."""

    side: int
    """Positions along an axis; of a square that a border cuts, along the longest axis."""
    positions: int
    """Positions in it."""


Squares = Iterator[tuple[float, Square | None]]


def gradients(
    model: nn.Module,
    inputs: Inputs,
    exam: Examination,
    target: Value,
    *,
    unit: Mapping[int, int] | None = None,
    images: int = 0,
    given: Tensor | None = None,
) -> Gradients:
    """Measure one unit's gradients over `images` random inputs, or over `given` (N, ...).

    The unit is in the middle unless `unit` names another, by axis of the output. The network runs
    with its own weights in float64; without any, with random ones, seed 0. Raises `UsageError` for
    inputs that have no gradient and for no images, `ArchscopeError` where
    the network fails on them or a gradient is not finite.
    """
    like = input_tensors(inputs)[exam.input]
    if not like.is_floating_point():
        raise UsageError("tokens have no gradient: the effective receptive field needs numbers")
    count = images if given is None else len(given)
    if count < 1:
        raise UsageError(f"the effective receptive field needs an image or more, not {count}")
    field = exam.total(target)
    if field is None:
        raise UsageError("the output does not depend on the input")
    run = runner(model, inputs, exam, target, seed=0 if has_no_data(model) else None)
    near = exam.local(target)  # where all sees everything, units still lie along axes
    axes = {*field.unit_axes, *(near.unit_axes if near else ())}
    at = {axis: target.shape[axis] // 2 for axis in sorted(axes)} | dict(unit or {})
    magnitude = np.zeros(exam.sizes)
    positive = np.zeros(exam.sizes)
    for number in range(count):
        x = fresh_input(model, like, number) if given is None else given[number : number + 1]
        x = x.detach().double().requires_grad_(True)
        try:
            one, other = _both(run, x, at)
        except Exception as error:  # the user's own forward, in another number type
            reason = str(error).strip().partition("\n")[0]
            raise ArchscopeError(
                f"the effective receptive field could not be measured: {reason}"
            ) from error
        magnitude += _over(one.abs(), exam.axes)
        positive += _over(torch.relu(other), exam.axes)
    if not np.isfinite(magnitude).all():
        raise ArchscopeError("the effective receptive field is not known: a gradient is not finite")
    return Gradients(magnitude / count, positive / count, count, at)


def _both(run: Runner, x: Tensor, unit: Mapping[int, int]) -> tuple[Tensor, Tensor]:
    """Return the gradients of a unit's features added up, and of those after a ReLU."""
    with torch.enable_grad():
        y = run(x.clone())  # which the network may write to
        features = y[tuple(unit.get(axis, slice(None)) for axis in range(y.dim()))]
        if not features.requires_grad:
            return torch.zeros_like(x), torch.zeros_like(x)
        (one,) = torch.autograd.grad(features.sum(), x, retain_graph=True, materialize_grads=True)
        (other,) = torch.autograd.grad(torch.relu(features).sum(), x, materialize_grads=True)
    return one, other


def has_no_data(model: nn.Module) -> bool:
    """Return whether the network has shapes alone, so that random weights stand for its own."""
    return any(tensor.is_meta for tensor in model.parameters())


def _over(gradient: Tensor, axes: Sequence[int]) -> NDArray[np.float64]:
    others = tuple(axis for axis in range(gradient.dim()) if axis not in axes)
    summed = gradient.sum(others) if others else gradient
    found: NDArray[np.float64] = summed.detach().cpu().numpy()
    return found


def mass_squares(mass: NDArray[np.float64], middle: Sequence[int]) -> Squares:
    """Yield each threshold and the smallest square that holds so much; None where there is none.

    Borders cut it: it ends where the mass does.
    """
    return _squares(mass, middle, range(max(mass.shape)))


def replknet_squares(positive: NDArray[np.float64], middle: Sequence[int]) -> Squares:
    """Yield the same of log10(1 + x) / max, as RepLKNet's erf/analyze_erf.py: sides from 3 on.

    None where the threshold is not reached within half of the shortest axis; its script stops
    there with an error.
    """
    return _squares(np.log10(positive + 1), middle, range(1, min(positive.shape) // 2))


def _squares(mass: NDArray[np.float64], middle: Sequence[int], reaches: range) -> Squares:
    steps = [np.abs(np.arange(size) - at) for size, at in zip(mass.shape, middle, strict=True)]
    away = reduce(np.maximum, np.ix_(*steps))  # as squares have it: along the farthest axis
    held = np.bincount(away.ravel(), weights=mass.ravel()).cumsum()
    for threshold in THRESHOLDS:
        enough = np.flatnonzero(held > threshold * held[-1])
        reach = max(int(enough[0]), reaches.start) if len(enough) else reaches.stop
        yield threshold, _square(mass.shape, middle, reach) if reach in reaches else None


def _square(sizes: Sequence[int], middle: Sequence[int], reach: int) -> Square:
    sides = [
        min(at + reach, size - 1) - max(at - reach, 0) + 1
        for at, size in zip(middle, sizes, strict=True)
    ]
    return Square(side=max(sides), positions=prod(sides))


def spread(mass: NDArray[np.float64]) -> float | None:
    """Return the standard deviation of the mass along the first axis; None where there is none."""
    line = mass.sum(tuple(range(1, mass.ndim)))
    return standard_deviation(list(enumerate(line.tolist()))) if line.any() else None


def fewest(mass: NDArray[np.float64], share: float) -> int | None:
    """Return how few positions hold a share of the mass; None where there is none.

    They are those above one level: the region inside a contour of the mass.
    """
    if not mass.any():
        return None
    summed = np.cumsum(np.sort(mass, axis=None)[::-1])
    return int(np.searchsorted(summed, share * summed[-1] * (1 - 1e-12))) + 1


def outside(mass: NDArray[np.float64], first: Sequence[int], last: Sequence[int]) -> float:
    """Return the mass that lies outside a window, as a share of all."""
    window = tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))
    rest = mass.copy()
    rest[window] = 0
    total = float(mass.sum())
    return float(rest.sum()) / total if total else 0.0


def cells(
    mass: NDArray[np.float64], first: Sequence[int], last: Sequence[int], most: int
) -> tuple[int, NDArray[np.float64]]:
    """Return how many positions a cell has along an axis, and the mean mass in each cell.

    The window from `first` to `last` is cut into at most `most` cells along each axis; the last
    one of an axis may be smaller.
    """
    window = mass[tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))]
    step = -(-max(window.shape) // most)
    whole = np.ones_like(window)
    for axis in range(window.ndim):
        starts = np.arange(0, window.shape[axis], step)
        window = np.add.reduceat(window, starts, axis=axis)
        whole = np.add.reduceat(whole, starts, axis=axis)
    return step, window / whole
