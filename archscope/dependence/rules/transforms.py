"""Rules of Fourier transforms: all along their axes, but for an inverse that takes one back.

What lies between a transform and its inverse is run again on random numbers. Where that does the
same wherever its input stands, as a convolution round the axis does, altering one position shows
its taps; where not, every position is altered by itself, or some are, if all see all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, reduce
from itertools import product
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._pytree import tree_leaves

from archscope.dependence.record.graph import PARTS, Node, Shape, Value
from archscope.dependence.record.recipes import TRANSFORMS, NoDataError, random_of
from archscope.dependence.record.replay import replayed, with_numbers
from archscope.dependence.record.spectra import Between, likeness_of
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import MayCancelError, RuleSet, edges, targets
from archscope.dependence.sets.links import SPARSE_TAPS, Links, Ranges, Taps, from_matrix, gather
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Mix,
    Step,
    Take,
    across,
    everything,
)
from archscope.errors import ArchscopeError

RULES = RuleSet()

Steps = tuple[Step, ...]
MOST_NODES = 64
"""Nodes between a transform and its inverse up to which these are run again."""
MOST_NUMBERS = 1 << 21
"""Numbers of one value up to which what lies between two transforms is run again."""
MOST_LEARNED = 1 << 24
"""Numbers of constants up to which it is, which are drawn once in double precision."""
MOST_WORK = 1 << 22
"""Numbers times positions up to which every position is altered by itself."""
MOST_RUNS = 32
"""Runs of neighbouring taps up to which a convolution round an axis is told."""
CLOSE, CLEAR = 1e-12, 1e-4
"""Of the largest number: what differs by less than the first is rounding, by more than the second
is none; what lies between may be either."""
ROUNDING, TINY = 1e-9, 1e-300
DRAWS = 3
"""Draws of random numbers in which a position is altered."""
TRIES = 3
"""Positions that are altered where they are too many to alter each."""


@RULES.of(*TRANSFORMS)
def transform(node: Node, zeros: Zeros) -> list[Edge]:
    """Each number from all along the axes, or less where a transform before it is undone."""
    source, (target,) = node.arguments["self"], targets(node)
    axes = tuple(axis % len(target.shape) for axis in node.arguments["dim"])
    plain = edges(source, across(source.shape, target.shape, axes), target)
    if not zeros.spectra.undoes(node):
        return plain
    found = zeros.spectra.between(node)
    bound = plain + _along(found, target)
    largest = max(prod(value.shape) for value in (*found.sources, target))
    leaves = tree_leaves([dict(node.arguments) for node in found.nodes])
    learned = sum(leaf.numel() for leaf in leaves if isinstance(leaf, Tensor))
    is_costly = largest > MOST_NUMBERS or learned > MOST_LEARNED
    if len(found.nodes) > MOST_NODES or is_costly:
        raise MayCancelError(bound)
    try:
        return _tried(found, target, zeros)
    except (NoDataError, UnclearError, RuntimeError, ValueError, AttributeError) as error:
        raise MayCancelError(bound) from error


def _along(found: Between, target: Value) -> list[Edge]:
    """Return edges along the axes that are transformed back: no more than is known of the inverse,
    but from what was transformed, which says along which axes of the input all this is a bound."""
    made = []
    for source in found.sources:
        others = (
            [size for axis, size in enumerate(shape) if axis not in found.back]
            for shape in (source.shape, target.shape)
        )
        alike = len(source.shape) == len(target.shape) and next(others) == next(others)
        steps = across(source.shape, target.shape, found.back)
        made += edges(source, steps if alike else everything(source.shape, target.shape), target)
    return made


def _tried(found: Between, target: Value, zeros: Zeros) -> list[Edge]:
    """Return edges from what was transformed to what comes back."""
    masks = (zeros.zero.get(source) for source in found.sources)
    key = (likeness_of(found), *(None if mask is None else mask.tobytes() for mask in masks))
    if key not in zeros.spectra.known:
        zeros.spectra.known[key] = None  # should it fail
        zeros.spectra.known[key] = [
            None if trial is None else trial.steps()
            for source in (*found.sources, *found.others)
            for trial in [Trial.of(found, source, target, zeros)]
        ]
    if zeros.spectra.known[key] is None:
        raise UnclearError
    made: list[Edge] = []
    exact = True
    ways: dict[int, Steps] | None
    for source, ways in zip((*found.sources, *found.others), zeros.spectra.known[key], strict=True):
        exact = exact and ways is not None
        for part, steps in (ways or {0: everything(source.shape, target.shape)}).items():
            made += edges(source, steps, replace(target, part=part))
    if not exact:
        raise MayCancelError([edge for edge in made if not edge.target.part])
    return made


class UnclearError(ArchscopeError):
    """A number changed so little that it may be rounding."""


@dataclass(frozen=True)
class Trial:
    """What a result does when one of its sources is altered, all else alike."""

    run: Callable[..., Tensor]
    """From the source, and the number of a draw of what is learned, to the result."""
    shape: Shape
    """Of the source."""
    after: Shape
    """Of the result."""
    axes: tuple[int, ...]
    """Those that are transformed and transformed back."""
    dtype: torch.dtype
    part: int = 0
    """Of complex results, the part that is looked at; 0: both."""

    @classmethod
    def of(cls, found: Between, source: Value, target: Value, zeros: Zeros) -> Trial | None:
        """Return the trial of one source; None where its axes are not those of the result."""
        if len(source.shape) != len(target.shape) or found.forth != found.back:
            return None
        kinds = _kinds(found)
        generator = torch.Generator().manual_seed(source.index)
        given = {
            value: _within(value, random_of(value.shape, kinds[value], generator), zeros)
            for value in (*found.sources, *found.others)
        }

        @cache
        def nodes(draw: int) -> list[Node]:
            return with_numbers(found.nodes, torch.Generator().manual_seed(draw))

        def run(numbers: Tensor, draw: int = 0) -> Tensor:
            return replayed(nodes(draw), {**given, source: numbers})[target]

        return cls(run, source.shape, target.shape, found.back, kinds[source])

    def steps(self) -> dict[int, Steps] | None:
        """Return the steps from the source to the result, which goes by 0, and to both parts of a
        complex one, where these are known; None where no more than all is known.
        """
        kept, moves = self._others(), self._is_equivariant()
        whole = None if kept is None else self._own(moves=moves)
        if kept is None or whole is None:
            return None
        found = {0: (*kept, *whole)}
        if self.run(self._two()[0]).is_complex():
            each = {part: replace(self, part=part)._own(moves=moves) for part in PARTS}
            known = {part: (*kept, *own) for part, own in each.items() if own is not None}
            found |= known if len(known) == len(each) else {}
        return found

    def _own(self, *, moves: bool) -> Steps | None:
        """Return the steps along the axes; None where they are not known."""
        sizes = [self.shape[axis] for axis in self.axes]
        if moves:
            return self._round(self._at((0,) * len(self.axes)))
        if prod(sizes) * max(prod(self.shape), prod(self.after)) <= MOST_WORK:
            return self._each(sizes)
        return self._all() if self._sees_all(self.axes) else None

    def _two(self, draw: int = 0) -> tuple[Tensor, Tensor]:
        """Return random numbers for the source, and others."""
        generator = torch.Generator().manual_seed(draw)
        one, other = (random_of(self.shape, self.dtype, generator) for _ in range(2))
        return one, other

    def _is_equivariant(self) -> bool:
        """Return whether it moves when its source is moved, all but what it makes of nothing.

        Tried on random numbers. It need not be linear for one position to show what each alters.
        """
        one, nothing = self._two()[0], torch.zeros(self.shape).to(self.dtype)
        zero, first = self.run(nothing), self.run(one)
        return all(
            self.shape[axis] == self.after[axis]
            and _close(self.run(one.roll(1, axis)) - zero, (first - zero).roll(1, axis))
            for axis in self.axes
        )

    def _at(self, place: tuple[int, ...], axes: tuple[int, ...] | None = None) -> NDArray[np.bool_]:
        """Return which positions of the result change with one of the source, of any other axis.

        By the largest change of several draws, since in one it may be small by chance.
        """
        axes = self.axes if axes is None else axes
        where: list[int | slice] = [slice(None)] * len(self.shape)
        for axis, at in zip(axes, place, strict=True):
            where[axis] = at
        apart = torch.zeros([self.after[axis] for axis in axes], dtype=torch.float64)
        for draw in range(DRAWS):
            numbers, others = self._two(draw)
            altered = numbers.clone()
            altered[tuple(where)] = others[tuple(where)]
            apart = torch.maximum(apart, self._changed(numbers, altered, draw, axes))
        changed = apart > CLOSE
        if bool((changed & (apart < CLEAR)).any()):
            raise UnclearError
        return np.asarray(changed.numpy())

    def _changed(
        self, numbers: Tensor, altered: Tensor, draw: int, axes: tuple[int, ...]
    ) -> Tensor:
        """Return how much each position of the result changes, beside the largest number."""
        one, two = self.run(numbers, draw), self.run(altered, draw)
        less = one - two
        less = torch.view_as_real(less)[..., self.part - 1] if self.part else less
        apart = less.abs() / max(float(one.abs().max()), float(two.abs().max()), TINY)
        others = [axis for axis in range(apart.dim()) if axis not in axes]
        apart = apart.amax(others) if others else apart
        return apart.reshape([self.after[axis] for axis in axes])

    def _round(self, taps: NDArray[np.bool_]) -> Steps | None:
        """Return the steps of a convolution round the axes."""
        if taps.all():
            return self._all()
        if not taps.any():
            axis = self.axes[0]
            return (Take(axis, gather(self.shape[axis], np.full(self.after[axis], -1))),)
        along = [
            np.asarray(taps.any(tuple(a for a in range(taps.ndim) if a != axis)))
            for axis in range(taps.ndim)
        ]
        if (reduce(np.logical_and.outer, along) != taps).any():
            return None
        links = zip(self.axes, map(circular, along), strict=True)
        steps = tuple(Take(axis, one) for axis, one in links if one is not None)
        return steps if len(steps) == len(along) else None

    def _each(self, sizes: list[int]) -> Steps | None:
        """Return the steps that altering each position shows."""
        columns = [self._at(tuple(place)).reshape(-1) for place in np.ndindex(*sizes)]
        matrix = np.stack(columns, axis=1)
        if matrix.all():
            return self._all()
        axis, *more = self.axes
        return None if more else (Take(axis, from_matrix(matrix)),)

    def _sees_all(self, axes: tuple[int, ...]) -> bool:
        draw = np.random.default_rng(0)
        sizes = [self.shape[axis] for axis in axes]
        places = [tuple(int(draw.integers(size)) for size in sizes) for _ in range(TRIES)]
        return all(self._at(place, axes).all() for place in places)

    def _all(self) -> Steps:
        """Return the steps from everywhere to everywhere along the axes."""
        return across(self.shape, self.after, self.axes)

    def _others(self) -> Steps | None:
        """Return the steps along all other axes: none where each is kept apart; None where it is
        not known which are mixed with which."""
        found: list[Step] = []
        for axis, (before, after) in enumerate(zip(self.shape, self.after, strict=True)):
            if axis in self.axes:
                continue
            if before == after and self._is_apart(axis):
                changes = self._changing(axis)
                found += [Keep(changes)] if not changes.all() else []
                continue
            if self._sees_all((axis,)):
                found.append(Mix(axis, before, after))
            elif before * max(prod(self.shape), prod(self.after)) <= MOST_WORK:
                columns = [self._at((place,), (axis,)) for place in range(before)]
                found.append(Take(axis, from_matrix(np.stack(columns, axis=1))))
            else:
                return None
        return tuple(found)

    def _changing(self, axis: int) -> NDArray[np.bool_]:
        """Return which positions of the result along an axis change at all: not those of zeros."""
        apart = self._changed(*self._two(), 0, (axis,)) > 0
        return np.asarray(apart.reshape([-1 if a == axis else 1 for a in range(len(self.after))]))

    def _is_apart(self, axis: int) -> bool:
        """Return whether each position along an axis is made of its own of the source alone.

        Two positions differ in a binary digit: altering all with a 1 there changes none with a 0,
        and the other way round.
        """
        (numbers, others), size = self._two(), self.shape[axis]
        before, places = self.run(numbers), torch.arange(size)
        most = CLOSE * max(float(before.abs().max()), TINY)
        along = [size if at == axis else 1 for at in range(len(self.shape))]
        for digit, side in product(range((size - 1).bit_length()), (0, 1)):
            altered = (places >> digit & 1) == side
            after = self.run(torch.where(altered.reshape(along), others, numbers))
            changed = ((before - after).abs() > most).movedim(axis, 0)
            if bool(changed[~altered].any()):
                return False
        return True


def _close(one: Tensor, two: Tensor) -> bool:
    largest = max(float(one.abs().max()), float(two.abs().max()))
    return bool(((one - two).abs() <= ROUNDING * largest).all())


def _kinds(found: Between) -> dict[Value, torch.dtype]:
    """Return the number type of each source: real where a transform takes real numbers."""
    kinds: dict[Value, torch.dtype] = dict.fromkeys(found.others, torch.float64)
    for node in found.nodes:
        source = node.arguments.get("self")
        if source in found.sources:
            kinds[source] = torch.float64 if node.operator == "_fft_r2c" else torch.complex128
    return kinds


def _within(value: Value, numbers: Tensor, zeros: Zeros) -> Tensor:
    """Return numbers that are zero where those of a value always are."""
    mask = zeros.zero.get(value)
    return numbers if mask is None else numbers * torch.from_numpy(~mask)


def circular(taps: NDArray[np.bool_]) -> Links | None:
    """Return the relation in which output i reads i - t for each tap t, round the axis.

    Taps beyond the middle are ahead; what comes round counts as beyond the border.
    """
    size = len(taps)
    numbers, own = np.flatnonzero(taps), np.arange(size)
    far = np.where(numbers > size // 2, numbers - size, numbers)
    beyond = (own < far.max()) | (own - far.min() >= size)
    clipped = beyond if beyond.any() else None
    if len(numbers) <= SPARSE_TAPS:
        return Taps(size, (own[:, None] - far) % size, clipped=clipped)
    edges_of_runs = np.flatnonzero(np.diff(np.concatenate([[0], taps.astype(np.int8), [0]])))
    first, last = edges_of_runs[::2], edges_of_runs[1::2] - 1
    if len(first) > MOST_RUNS:
        return None
    starts = (own[:, None] - last) % size
    stops = starts + (last - first + 1)
    wrapped = np.maximum(stops - size, 0)
    return Ranges(
        size,
        np.concatenate([starts, np.zeros_like(wrapped)], axis=1),
        np.concatenate([np.minimum(stops, size), wrapped], axis=1),
        clipped=clipped,
    )
