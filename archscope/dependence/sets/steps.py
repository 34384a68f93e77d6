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
from archscope.dependence.sets.patterns import Pattern


@dataclass(frozen=True, slots=True)
class Take:
    """Each position of an axis reads the positions that `links` says."""

    axis: int
    links: Links
    stacks: bool = False
    """Whether it puts tensors along a new axis: of positions, if they were picked from one."""

    @property
    def transposed(self) -> Take:
        """The same walked backward."""
        return Take(self.axis, self.links.transposed)

    def apply(self, pattern: Pattern) -> Pattern:
        """Return what the result holds."""
        found = pattern.taken(self.axis, self.links)
        return found.restored(self.axis) if self.stacks else found


@dataclass(frozen=True, slots=True)
class Mix:
    """Each position of an axis reads all of the axis, or its whole group: features."""

    axis: int
    reads: int
    size: int
    groups: int = 1

    @property
    def transposed(self) -> Mix:
        """The same walked backward."""
        return Mix(self.axis, self.size, self.reads, self.groups)

    def apply(self, pattern: Pattern) -> Pattern:
        """Return what the result holds."""
        return pattern.mixed(self.axis, self.size, self.groups)


@dataclass(frozen=True, slots=True)
class Reduce:
    """All positions of some axes become one."""

    axes: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def transposed(self) -> Spread:
        """The same walked backward."""
        return Spread(self.axes, self.sizes)

    def apply(self, pattern: Pattern) -> Pattern:
        """Return what the result holds."""
        return pattern.reduced(self.axes)


@dataclass(frozen=True, slots=True)
class Spread:
    """Axes of one position become as wide as given."""

    axes: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def transposed(self) -> Reduce:
        """The same walked backward."""
        return Reduce(self.axes, self.sizes)

    def apply(self, pattern: Pattern) -> Pattern:
        """Return what the result holds."""
        return pattern.spread(self.axes, self.sizes)


@dataclass(frozen=True, slots=True)
class Permute:
    """The axes come in another order."""

    order: tuple[int, ...]

    @property
    def transposed(self) -> Permute:
        """The same walked backward."""
        return Permute(tuple(int(axis) for axis in np.argsort(self.order)))

    def apply(self, pattern: Pattern) -> Pattern:
        """Return what the result holds."""
        return pattern.permuted(self.order)


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same elements, in their order, in another shape."""

    before: Shape
    after: Shape

    @property
    def transposed(self) -> Reshape:
        """The same walked backward."""
        return Reshape(self.after, self.before)

    def apply(self, pattern: Pattern) -> Pattern:
        """Return what the result holds."""
        return pattern.reshaped(self.after)


@dataclass(frozen=True, slots=True)
class Keep:
    """Elements where the mask is False become constants; it has size 1 along axes where alike."""

    mask: NDArray[np.bool_]

    @property
    def transposed(self) -> Keep:
        """The same walked backward."""
        return self

    def apply(self, pattern: Pattern) -> Pattern:
        """Return what the result holds."""
        return pattern.kept(self.mask)


@dataclass(frozen=True, slots=True)
class ReduceWhere:
    """All positions of an axis become one, less those where the mask is False."""

    axis: int
    mask: NDArray[np.bool_]

    @property
    def transposed(self) -> SpreadWhere:
        """The same walked backward."""
        return SpreadWhere(self.axis, self.mask)

    def apply(self, pattern: Pattern) -> Pattern:
        """Return what the result holds."""
        return pattern.reduced_where(self.axis, self.mask)


@dataclass(frozen=True, slots=True)
class SpreadWhere:
    """An axis of one position becomes as wide as the mask, and empty where that is False."""

    axis: int
    mask: NDArray[np.bool_]

    @property
    def transposed(self) -> ReduceWhere:
        """The same walked backward."""
        return ReduceWhere(self.axis, self.mask)

    def apply(self, pattern: Pattern) -> Pattern:
        """Return what the result holds."""
        return pattern.spread((self.axis,), (self.mask.shape[self.axis],)).kept(self.mask)


Step: TypeAlias = (
    ReduceWhere | SpreadWhere | Take | Mix | Reduce | Spread | Permute | Reshape | Keep
)


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """One way in which a value depends on another."""

    source: Value
    target: Value
    steps: tuple[Step, ...]


def backward(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return a chain of steps walked from its end."""
    return tuple(step.transposed for step in reversed(steps))


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


def everything(before: Shape, after: Shape) -> tuple[Step, ...]:
    """Return the steps by which each element depends on all."""
    alone = (1,) * len(after)
    axes = tuple(range(len(before)))
    return (
        Reduce(axes, before),
        Reshape((1,) * len(before), alone),
        Spread(tuple(range(len(after))), after),
    )
