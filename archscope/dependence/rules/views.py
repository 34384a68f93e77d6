"""Rules of operators that take a part of a tensor, or write to one: slices, windows, places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import torch

from archscope.dependence.record.graph import WRITE, Node, Shape, View
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import DataDependentError, RuleSet, edges, shape_of, targets
from archscope.dependence.rules.shape import reorder
from archscope.dependence.sets.links import gather, shifted
from archscope.dependence.sets.patterns import Pattern
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Permute,
    Reshape,
    Step,
    Take,
    applied,
    backward,
    broadcast,
)

RULES = RuleSet()

Steps = tuple[Step, ...]


def view_steps(view: View, before: Shape, after: Shape) -> Steps:
    """Return the steps from a tensor to any view of it; may raise `DataDependentError`."""
    given, operator = view.arguments, view.operator
    axis = given["dim"] % max(len(before), 1) if isinstance(given.get("dim"), int) else 0
    match operator:
        case "slice" | "slice_copy":
            start, _, step = slice(given["start"], given["end"], given["step"]).indices(
                before[axis]
            )
            return (Take(axis, shifted(before[axis], after[axis], start, step)),)
        case "select" | "select_copy":
            return _selected(before, after, axis, given["index"] % before[axis])
        case "narrow" | "narrow_copy":
            return (Take(axis, shifted(before[axis], after[axis], given["start"] % before[axis])),)
        case "unbind" | "unbind_copy":
            return _selected(before, after, axis, _picked(view))
        case "split" | "unsafe_split" | "chunk" | "tensor_split" | "split_copy":
            size = given.get("split_size")
            if not isinstance(size, int):
                raise DataDependentError
            return (Take(axis, shifted(before[axis], after[axis], _picked(view) * size)),)
        case "split_with_sizes" | "unsafe_split_with_sizes" | "split_with_sizes_copy":
            start = sum(given["split_sizes"][: _picked(view)])
            return (Take(axis, shifted(before[axis], after[axis], start)),)
        case "unfold" | "unfold_copy" if not before:
            return (Reshape(before, after),)
        case "unfold" | "unfold_copy":
            axis = given["dimension"] % len(before)
            return unfolded(before, axis, given["size"], given["step"])
        case "diagonal" | "diagonal_copy":
            return _diagonal(before, after, given)
        case "as_strided" | "as_strided_copy":
            return _strided(before, after, given)
        case "permute" | "transpose" | "t":
            return reorder(view, before, after)
        case "expand":
            return broadcast(before, after)
        case "view" | "_unsafe_view" | "_reshape_alias" | "unsqueeze" | "squeeze":
            return (Reshape(before, after),)
        case "alias" | "detach" | "lift_fresh":
            return (Reshape(before, after),)
    raise DataDependentError


def _picked(view: View) -> int:
    if view.picked is None:
        raise DataDependentError
    return view.picked


def _selected(before: Shape, after: Shape, axis: int, index: int) -> Steps:
    # An axis of one place beside it must not be taken for it: it goes before one of several.
    last = next((at for at in range(axis + 1, len(before)) if before[at] > 1), len(before))
    order = (*range(axis), *range(axis + 1, last), axis, *range(last, len(before)))
    alone = tuple(1 if at == axis else before[at] for at in order)
    moved = (Permute(order),) if last > axis + 1 else ()
    return (Take(axis, gather(before[axis], [index])), *moved, Reshape(alone, after))


def unfolded(before: Shape, axis: int, size: int, step: int) -> Steps:
    """Windows of an axis: they stand at its place, what is in them at the end."""
    windows = (before[axis] - size) // step + 1
    index = (np.arange(windows)[:, None] * step + np.arange(size)).reshape(-1)
    flat = (*before[:axis], windows * size, *before[axis + 1 :])
    apart = (*before[:axis], windows, size, *before[axis + 1 :])
    rank = len(apart)
    order = (*range(axis + 1), *range(axis + 2, rank), axis + 1)
    return (Take(axis, gather(before[axis], index)), Reshape(flat, apart), Permute(order))


def _diagonal(before: Shape, after: Shape, given: Any) -> Steps:
    numbers = np.arange(prod(before)).reshape(before)
    places = np.diagonal(numbers, given["offset"], given["dim1"], given["dim2"])
    return picked(before, after, places)


def _strided(before: Shape, after: Shape, given: Any) -> Steps:
    """Elements by their places in memory, of a tensor that lies there as `memory` says."""
    strides, start = given.get("memory") or (None, 0)
    if max(prod(before), prod(after)) > LARGEST_FLAT:
        raise DataDependentError
    own = _places(before, strides or _dense(before), start).reshape(-1)
    wanted = _places(given["size"], given["stride"], given["storage_offset"] or 0)
    number = np.full(np.append(own, wanted).max(initial=0) + 1, -1)
    number[own] = np.arange(own.size)
    if (number[wanted] < 0).any():
        raise DataDependentError
    return picked(before, after, number[wanted])


def _places(shape: Shape, strides: Sequence[int], start: int) -> Any:
    places = np.array(start)
    for size, stride in zip(shape, strides, strict=True):
        places = places[..., None] + np.arange(size) * stride
    return places


def _dense(shape: Shape) -> Shape:
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


LARGEST_FLAT = 1 << 20
"""Elements of a tensor that is handled element by element."""


def picked(before: Shape, after: Shape, places: Any) -> Steps:
    """Return the steps to elements by their places, counted over the whole tensor."""
    if prod(before) > LARGEST_FLAT:
        raise DataDependentError
    taken = Take(0, gather(prod(before), places.reshape(-1)))
    return (Reshape(before, (prod(before),)), taken, Reshape((prod(after),), after))


@RULES.of(
    *("slice", "select", "narrow", "unbind", "split", "split_with_sizes", "unfold", "diagonal"),
    *("unsafe_split", "unsafe_split_with_sizes", "as_strided", "slice_copy", "select_copy"),
    *("narrow_copy", "diagonal_copy"),
    *("split_copy", "split_with_sizes_copy", "unbind_copy", "unfold_copy", "as_strided_copy"),
)
def part(node: Node, zeros: Zeros) -> list[Edge]:
    """Some of the elements."""
    source = node.arguments["self"]
    found = []
    for number, target in enumerate(node.outputs):
        if target is None:
            continue
        which = number if node.picked is None else node.picked
        view = View(operator=node.operator, arguments=node.arguments, picked=which)
        found += edges(source, view_steps(view, shape_of(source), target.shape), target)
    return found


@RULES.moves("diag_embed")
def diag_embed(node: Node | View, before: Shape, after: Shape) -> Steps:
    """An axis on a diagonal of two, and zeros beside it."""
    given = node.arguments
    if max(prod(before), prod(after)) > LARGEST_FLAT:
        raise DataDependentError
    numbers = torch.arange(1, prod(before) + 1).reshape(before)
    placed = torch.diag_embed(numbers, given["offset"], given["dim1"], given["dim2"]) - 1
    return picked(before, after, placed.numpy())


@RULES.of(WRITE)
def write(node: Node, zeros: Zeros) -> list[Edge]:
    """A tensor of which a part was written to."""
    whole, piece, view = (node.arguments[name] for name in ("whole", "part", "view"))
    (target,) = targets(node)
    back = backward(view_steps(view, target.shape, piece.shape))
    found = edges(piece, _stacked(back), target)
    if whole is not None:
        found += edges(whole, (Keep(~_reached(back, piece.shape)),), target)
    return found


def _stacked(steps: Steps) -> Steps:
    """Return the steps of a write, of which one of a single position puts it beside others."""
    return tuple(
        replace(step, stacks=True) if isinstance(step, Take) and step.links.reads == 1 else step
        for step in steps
    )


def _reached(steps: Iterable[Step], shape: Shape) -> Any:
    """Return which elements some steps lead to from any element of a tensor."""
    ones = np.ones((1,) * len(shape))
    pattern = Pattern(shape, ones, (None,) * len(shape))
    for step in steps:
        pattern = applied(step, pattern)
    for axis, places in enumerate(pattern.places):
        if places is not None:
            pattern = pattern.with_axis(axis, len(places), pattern.expanded(axis), None)
    return pattern.entries > 0


@RULES.of("slice_scatter", "select_scatter", "diagonal_scatter", "as_strided_scatter")
def scatter(node: Node, zeros: Zeros) -> list[Edge]:
    """The functional form of a write."""
    operator = node.operator.removesuffix("_scatter")
    view = View(operator=operator, arguments=node.arguments, picked=None)
    source, (target,) = node.arguments["self"], targets(node)
    piece = node.arguments["src"]
    back = backward(view_steps(view, target.shape, shape_of(piece)))
    keep = Keep(~_reached(back, shape_of(piece)))
    return edges(piece, _stacked(back), target) + edges(source, (keep,), target)
