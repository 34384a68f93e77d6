"""How one value follows from another, as a chain of steps that can be walked either way.

Every operator is a few chains of these steps. A rule says a chain once; sets of input
positions go forward through it, numbers of paths go backward through its transpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.record.graph import Shape, Value
from archscope.dependence.sets.links import Links
from archscope.dependence.sets.masked import reduced_where
from archscope.dependence.sets.patterns import Pattern


@dataclass(frozen=True, slots=True)
class Take:
    """Each position of an axis reads the positions that `links` says."""

    axis: int
    links: Links
    stacks: bool = False
    """Whether it puts tensors along a new axis: of positions, if they were picked from one."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Each position of an axis reads all of the axis, or its whole group: features."""

    axis: int
    reads: int
    size: int
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Reduce:
    """All positions of some axes become one."""

    axes: tuple[int, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """Axes of one position become as wide as given."""

    axes: tuple[int, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Permute:
    """The axes come in another order."""

    order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same elements, in their order, in another shape."""

    before: Shape
    after: Shape


@dataclass(frozen=True, slots=True)
class Keep:
    """Elements where the mask is False become constants; it has size 1 along axes where alike."""

    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ReduceWhere:
    """All positions of an axis become one, less those where the mask is False."""

    axis: int
    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SpreadWhere:
    """An axis of one position becomes as wide as the mask, and empty where that is False."""

    axis: int
    mask: NDArray[np.bool_]


Step: TypeAlias = (
    ReduceWhere | SpreadWhere | Take | Mix | Reduce | Spread | Permute | Reshape | Keep
)


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """One way in which a value depends on another."""

    source: Value
    target: Value
    steps: tuple[Step, ...]


def applied(step: Step, pattern: Pattern) -> Pattern:
    """Return what the result of a step holds."""
    match step:
        case Take(axis, links, stacks):
            found = pattern.taken(axis, links)
            return found.restored(axis) if stacks else found
        case Mix(axis, _, size, groups):
            return pattern.mixed(axis, size, groups)
        case Reduce(axes):
            return pattern.reduced(axes)
        case Spread(axes, sizes):
            return pattern.spread(axes, sizes)
        case Permute(order):
            return pattern.permuted(order)
        case Reshape(_, after):
            return pattern.reshaped(after)
        case Keep(mask):
            return pattern.kept(mask)
        case ReduceWhere(axis, mask):
            return reduced_where(pattern, axis, mask)
        case SpreadWhere(axis, mask):
            return pattern.spread((axis,), (mask.shape[axis],)).kept(mask)


def transposed(step: Step) -> Step:
    """Return a step walked backward."""
    match step:
        case Take(axis, links):
            return Take(axis, links.transposed)
        case Mix(axis, reads, size, groups):
            return Mix(axis, size, reads, groups)
        case Reduce(axes, sizes):
            return Spread(axes, sizes)
        case Spread(axes, sizes):
            return Reduce(axes, sizes)
        case Permute(order):
            return Permute(tuple(int(axis) for axis in np.argsort(order)))
        case Reshape(before, after):
            return Reshape(after, before)
        case Keep():
            return step
        case ReduceWhere(axis, mask):
            return SpreadWhere(axis, mask)
        case SpreadWhere(axis, mask):
            return ReduceWhere(axis, mask)


def backward(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return a chain of steps walked from its end."""
    return tuple(map(transposed, reversed(steps)))


def broadcast(before: Shape, after: Shape) -> tuple[Step, ...]:
    """Return the steps from a shape to one that it broadcasts to."""
    steps: list[Step] = []
    padded = (1,) * (len(after) - len(before)) + before
    if padded != before:
        steps.append(Reshape(before, padded))
    axes = tuple(axis for axis, size in enumerate(padded) if size != after[axis])
    if axes:
        steps.append(Spread(axes, tuple(after[axis] for axis in axes)))
    return tuple(steps)


def reduce_to(shape: Shape, axes: Sequence[int], *, keep: bool) -> tuple[Step, ...]:
    """Return the steps that reduce some axes, and drop them where they are not kept."""
    axes = tuple(sorted(axis % len(shape) for axis in axes)) if shape else ()
    steps: list[Step] = [Reduce(axes, tuple(shape[axis] for axis in axes))]
    if not keep:
        ones = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
        left = tuple(size for axis, size in enumerate(shape) if axis not in axes)
        steps.append(Reshape(ones, left))
    return tuple(steps)


def across(before: Shape, after: Shape, axes: tuple[int, ...]) -> tuple[Step, ...]:
    """Return the steps by which each element depends on all along some axes."""
    read, made = (tuple(shape[axis] for axis in axes) for shape in (before, after))
    return (Reduce(axes, read), Spread(axes, made))


def everything(before: Shape, after: Shape) -> tuple[Step, ...]:
    """Return the steps by which each element depends on all."""
    alone = (1,) * len(after)
    axes = tuple(range(len(before)))
    return (
        Reduce(axes, before),
        Reshape((1,) * len(before), alone),
        Spread(tuple(range(len(after))), after),
    )
