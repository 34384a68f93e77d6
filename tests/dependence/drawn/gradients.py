"""Holds what a graph says of a drawn network against its float64 gradients.

    PYTHONPATH=tests/dependence python -m drawn.gradients 500        seeds 0 to 499
    PYTHONPATH=tests/dependence python -m drawn.gradients 500 3000   seeds 500 to 2999

Each network that fails is printed with what is left of it when all that can be is left out.
"""

from __future__ import annotations

import random
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from math import sqrt
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from archscope.dependence.answer.backward import ways
from archscope.dependence.answer.examine import Examination, examine
from archscope.dependence.record.graph import Value
from archscope.dependence.sets.products import over
from archscope.subject import Inputs
from drawn.networks import Drawn
from drawn.parts import Branches

PICKY = ("MaxPool", "unpool", "amax", "cummax", "median", "sort", "topk")
"""What hands on one of several elements, and which depends on them: a gradient shows that one."""
UNITS = 4
"""Units of a network that are looked at, beside the first and the last."""
LEAST_DRAWS, MOST_DRAWS = 2, 60
"""Draws of weights and inputs; all are made where the gradients show less than is said."""

Mask = NDArray[np.bool_]
Fault = Literal["too small", "too large", "failed"]


def fault(one: Drawn, seed: int) -> tuple[Fault, str] | None:
    """Return what is wrong with what the graph says of a network; None where nothing is.

    Never smaller than what the gradients of several draws show, and equal where no bound is
    flagged: backward always, forward where products are exact.
    """
    torch.manual_seed(seed)
    with torch.no_grad():
        shape = one.model(one.input).shape
    usual = deepcopy(one.model).float()  # for which torch has other operators than for doubles
    exam = examine(usual, Inputs(args=(one.input.float(),)), axes=one.axes)
    if exam.graph.failure is not None:
        return "failed", repr(exam.graph.failure)
    places = [axis for axis in range(1, len(shape)) if axis != one.features]
    units = _units(shape, places, seed)
    backward, forward, exact = _said(exam, units)
    if exact and _is_middle_blind(exam):
        return "too small", "the unit in the middle sees nothing, and others do"
    picky = any(word in str(one.model) for word in PICKY)
    most = LEAST_DRAWS if picky or exact is None else MOST_DRAWS
    shown = [np.zeros(exam.sizes, dtype=np.bool_) for _ in units]
    for draw in range(most):
        for place, mask in enumerate(masks(one, units, seed=1000 * draw + 1)):
            shown[place] |= mask.numpy()
            for road, said in (("backward", backward), ("forward", forward)):
                missed = shown[place] & ~said[place]
                if missed.any() and is_felt(one, units[place], missed):
                    few = np.argwhere(missed).tolist()[:5]
                    return "too small", f"{road}, unit {units[place]} sees {few} too"
                shown[place] &= said[place]
        if draw >= LEAST_DRAWS - 1 and all(map(np.array_equal, shown, backward)):
            break
    if picky or exact is None:
        return None
    for road, said in (("backward", backward), ("forward", forward if exact else shown)):
        for unit, mask, true in zip(units, said, shown, strict=True):
            more = np.argwhere(mask & ~true).tolist()
            if more:
                return "too large", f"{road}, unit {unit} sees no {more[:5]}"
    return None


def _units(shape: tuple[int, ...], places: list[int], seed: int) -> list[dict[int, int]]:
    draw = random.Random(seed)
    units = [{at: draw.randrange(shape[at]) for at in places} for _ in range(UNITS)]
    return [*units, dict.fromkeys(places, 0), {at: shape[at] - 1 for at in places}]


def _said(
    exam: Examination, units: list[dict[int, int]]
) -> tuple[list[Mask], list[Mask], bool | None]:
    """Return what each unit sees by the walk backward and by the one forward, and whether the
    latter is exact; None where both are bounds."""
    nothing = np.zeros(exam.sizes, dtype=np.bool_)
    value: Value | None = next(iter(exam.graph.outputs.values()), None)
    seen = None if value is None else exam.seen(value)
    field = None if value is None else exam.total(value)
    if value is None or seen is None or field is None:
        return [nothing] * len(units), [nothing] * len(units), True
    backward, forward = [], []
    for unit in units:
        back = ways(exam.lowered, value, unit, [exam.seed]).get(exam.seed)
        backward.append(nothing if back is None else over(back, exam.axes) > 0)
        starts, window = field.over_all(unit)
        mask = nothing.copy()
        mask[tuple(slice(a, a + n) for a, n in zip(starts, window.shape, strict=True))] = window
        forward.append(mask)
    return backward, forward, field.is_exact if seen.bounded_by is None else None


def _is_middle_blind(exam: Examination) -> bool:
    """Return whether the unit that stands for all sees nothing where some unit sees something."""
    value = next(iter(exam.graph.outputs.values()), None)
    field = None if value is None else exam.total(value)
    if field is None or field.blind is None or field.count(field.typical):
        return False
    return field.blind[0] < field.outputs


def redraw(model: nn.Module, seed: int) -> None:
    """Give a network other random weights; buffers stay."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            drawn = torch.randn(weight.shape, generator=generator, dtype=weight.dtype)
            scale = 1 / sqrt(max(weight[0].numel(), 1)) if weight.dim() > 1 else 0.25
            offset = 1.0 if weight.dim() < 2 and name.endswith("weight") else 0.0
            weight.copy_(offset + scale * drawn)


def masks(one: Drawn, units: list[dict[int, int]], seed: int) -> Iterator[Tensor]:
    """Yield where each unit has a gradient, over the input's axes of positions, of one draw."""
    redraw(one.model, seed)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(one.input.shape, generator=generator, dtype=torch.float64).requires_grad_(True)
    y = one.model(x)
    weighted = y * (torch.rand(y.shape, generator=generator, dtype=y.dtype) + 0.5)
    others = [axis for axis in range(x.dim()) if axis not in one.axes]
    for unit in units:
        total = weighted[tuple(unit.get(axis, slice(None)) for axis in range(y.dim()))].sum()
        if not total.requires_grad:
            yield torch.zeros([x.shape[axis] for axis in one.axes], dtype=torch.bool)
            continue
        (found,) = torch.autograd.grad(total, x, retain_graph=True, materialize_grads=True)
        yield (found != 0).any(others) if others else found != 0


def is_felt(one: Drawn, unit: dict[int, int], where: Mask) -> bool:
    """Return whether a change of some positions changes a unit.

    A gradient beyond the set may be wrong: torch's of a batch norm in evaluation mode reads memory
    in another order than it lies in, where features are last in memory.
    """
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(one.input.shape, generator=generator, dtype=torch.float64)
    shape = [1] * x.dim()
    for axis, size in zip(one.axes, where.shape, strict=True):
        shape[axis] = size
    other = torch.where(torch.from_numpy(where).reshape(shape), 1 - 3 * x, x)
    at = tuple(unit.get(axis, slice(None)) for axis in range(x.dim() + 2))
    with torch.no_grad():
        y, z = one.model(x), one.model(other)
    return not torch.equal(y[at[: y.dim()]], z[at[: y.dim()]])


def shrunk(one: Drawn, seed: int, kind: Fault) -> Drawn:
    """Return the smallest network with the same kind of fault that leaving layers out leads to."""
    less = one
    while True:
        smaller = (each for each in _smaller(less) if (_tried(each, seed) or ("",))[0] == kind)
        found = next(smaller, None)
        if found is None:
            return less
        less = found


def _tried(one: Drawn, seed: int) -> tuple[Fault, str] | None:
    try:
        return fault(one, seed)
    except Exception as error:  # what was left out was needed, or what is left is not understood
        return "failed", repr(error)


def _smaller(one: Drawn) -> Iterator[Drawn]:
    layers = list(one.model)
    rows: list[list[Any]] = [layers[:at] + layers[at + 1 :] for at in range(len(layers))]
    for at, layer in enumerate(layers):
        for body in (layer.one, layer.two) if isinstance(layer, Branches) else ():
            rows.append([*layers[:at], *body, *layers[at + 1 :]])
    for row in rows:
        model = nn.Sequential(*row)
        try:
            with torch.no_grad():
                rank = model(one.input).dim()
        except Exception:  # these layers do not fit each other
            continue
        if row:
            yield from (one.of(model, axis) for axis in sorted({1, rank - 1}))


def main(numbers: list[int]) -> int:
    """Try so many seeds; return how many failed."""
    first, last = numbers if len(numbers) > 1 else (0, *numbers)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    found: Counter[str] = Counter()
    for seed in range(first, last):
        one = Drawn(seed)
        wrong = _tried(one, seed)
        found[wrong[0] if wrong else "right"] += 1
        if wrong:
            less = shrunk(one, seed, wrong[0])
            again = _tried(less, seed) or wrong
            print(f"seed {seed}, {tuple(one.input.shape)}, {wrong[0]}: {again[1]}\n{less.model}")
    print(", ".join(f"{number:,} {what}" for what, number in found.most_common()))
    return found.total() - found["right"]


if __name__ == "__main__":
    sys.exit(min(main([int(text) for text in sys.argv[1:]] or [500]), 1))
