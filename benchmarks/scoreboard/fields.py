"""What tools tell of receptive fields, against float64 gradients.

Units of each output are asked, of signals all, of images the corners, the middle and some more;
what is told of a unit is its first and last position along each axis. A network is `exact` where
that is right for every unit, `bound` where it is said to be a bound and holds what gradients show,
`unknown` where nothing is said of some unit, and `wrong` where less is said, or more without a
word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np
import torch
from field_networks import Case

DRAWS = 6
"""Draws of weights and inputs whose gradients are united."""

Hull = list[list[int]] | None
"""The first and the last position along each axis; None: none is seen."""
Told = dict[str, Any]
"""`status` and `hull` of each unit under `units`."""


def units_of(case: Case) -> list[tuple[int, ...]]:
    """Return the units that are asked: their places along the axes of positions of the output."""
    with torch.no_grad():
        shape = case.build()(torch.zeros(case.shape)).shape
    sizes = [n for axis, n in enumerate(shape) if axis not in (0, case.features)]
    middle = tuple(n // 2 for n in sizes)
    if len(sizes) == 1:
        return [middle, *((n,) for n in range(sizes[0]) if (n,) != middle)]
    some = np.random.default_rng(0)
    found = [tuple(int(some.integers(n)) for n in sizes) for _ in range(6)]
    return list(dict.fromkeys([middle, *product(*((0, n - 1) for n in sizes)), *found]))


def truth(case: Case) -> Told:
    """Return what gradients show."""
    units = units_of(case)
    masks = [np.zeros([case.shape[axis] for axis in case.axes], dtype=np.bool_) for _ in units]
    for seed in range(DRAWS):
        torch.manual_seed(seed)
        model = case.build().double().eval()
        x = torch.randn(case.shape, dtype=torch.float64, requires_grad=True)
        y = model(x).movedim(case.features, -1)[0]
        others = [axis for axis in range(x.dim()) if axis not in case.axes]
        for mask, unit in zip(masks, units, strict=True):
            weighted = y[unit] * torch.rand(y.shape[-1], dtype=y.dtype)
            (found,) = torch.autograd.grad(weighted.sum(), x, retain_graph=True)
            mask |= (found != 0).any(others).numpy()
    return {"units": [{"status": "exact", "hull": hull(mask)} for mask in masks]}


def hull(mask: Any) -> Hull:
    """Return the first and the last position along each axis."""
    if not mask.any():
        return None
    places = np.argwhere(mask)
    return [[int(a), int(b)] for a, b in zip(places.min(0), places.max(0), strict=True)]


def by_archscope(case: Case) -> Told:
    """Return what archscope tells, which finds the axes of positions itself."""
    from archscope.dependence.answer.backward import ways
    from archscope.dependence.answer.examine import examine
    from archscope.dependence.sets.products import over
    from archscope.subject import Inputs

    model, x = case.build().eval(), torch.zeros(case.shape)
    exam = examine(model, Inputs(args=(x,)))
    value = exam.graph.outputs["0"]
    seen = exam.seen(value)
    if exam.axes != case.axes or seen is None:
        return {"units": [{"status": "unknown", "hull": None} for _ in units_of(case)]}
    places = [axis for axis in range(len(value.shape)) if axis not in (0, case.features)]
    masks = []
    for unit in units_of(case):
        back = ways(exam.lowered, value, dict(zip(places, unit, strict=True)), [exam.seed])
        empty = np.zeros(exam.sizes, dtype=np.bool_)
        masks.append(over(back[exam.seed], exam.axes) > 0 if exam.seed in back else empty)
    status = "exact" if seen.bounded_by is None else "bound"
    return {"units": [{"status": status, "hull": hull(mask)} for mask in masks]}


def by_torchlens(case: Case) -> Told:
    """Return what torchlens tells of boxes."""
    import torchlens

    model, x = case.build().eval(), torch.randn(case.shape)
    trace = torchlens.trace(model, x)
    view = trace[trace.output_layers[0]].receptive_field
    return {"units": [_box(view, case, unit) for unit in units_of(case)]}


def _box(view: Any, case: Case, unit: tuple[int, ...]) -> Told:
    """Return the status of a unit's box, and the box along the axes of positions."""
    own = dict(zip(_places(case), unit, strict=True))
    kinds = {axis.input_axis: axis for axis in view.axes or ()}
    if not kinds or view.status.value in ("unknown", "unsupported"):
        return {"status": "unknown", "hull": None}
    windowed = [kinds[axis] for axis in sorted(kinds) if kinds[axis].kind == "windowed"]
    boxes, is_exact = {}, view.status.value in ("exact", "whole_input")
    if windowed:
        found = view.at(tuple(own[axis.output_axis] for axis in windowed))
        boxes, is_exact = {axis.input_axis: axis for axis in found.axes}, found.exact
        if found.empty:
            return {"status": "exact" if is_exact else "bound", "hull": None}
    edges = []
    for axis in case.axes:
        kind = kinds[axis]
        if kind.kind == "pointwise":
            edges.append([own[kind.output_axis]] * 2)
        elif kind.kind == "full":
            edges.append([0, case.shape[axis] - 1])
        else:
            edges.append([boxes[axis].clipped_start, boxes[axis].clipped_stop - 1])
    return {"status": "exact" if is_exact else "bound", "hull": edges}


def _places(case: Case) -> list[int]:
    """Return the axes of positions of the output."""
    return [axis for axis in range(len(case.shape)) if axis not in (0, case.features)]


def judged(told: Told, right: Told) -> str:
    """Return exact, bound, unknown or wrong, whichever is the worst of all units."""
    kinds = {_judged(one, true) for one, true in zip(told["units"], right["units"], strict=True)}
    return next(kind for kind in ("wrong", "unknown", "bound", "exact") if kind in kinds)


def _judged(one: Told, true: Told) -> str:
    if one["status"] == "unknown":
        return "unknown"
    if one["hull"] == true["hull"]:
        return str(one["status"])
    return "bound" if one["status"] == "bound" and _holds(one["hull"], true["hull"]) else "wrong"


def _holds(outer: Hull, inner: Hull) -> bool:
    if inner is None or outer is None:
        return inner is None
    return all(a[0] <= b[0] and b[1] <= a[1] for a, b in zip(outer, inner, strict=True))


SEERS: Mapping[str, Callable[[Case], Told]] = {
    "archscope": by_archscope,
    "torchlens": by_torchlens,
}
"""Tools that tell receptive fields of any module. torchscan 0.2 tells the window of each layer by
itself, and rfa-toolbox installs on no Python that archscope runs on."""
