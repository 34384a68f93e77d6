"""In how many ways each element leads to one unit: a sum of products, one factor for each axis.

Through convolutions the ways along the rows of an image and along its columns multiply; branches
add them up. So numbers over a whole map are seldom held: a factor has those along one axis, of the
positions alone that lead anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import frexp, prod

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.record.graph import Shape
from archscope.dependence.sets.algebra import NUMBERS, PRESENCE, Numbers, Presence
from archscope.dependence.sets.patterns import Pattern, aligned
from archscope.dependence.sets.steps import (
    Keep,
    Mix,
    Reduce,
    ReduceWhere,
    SpreadWhere,
    Step,
    Take,
    applied,
)

FEW_PRODUCTS = 8
"""Products up to which a sum is held as such."""
CELLS_EACH = 1 << 16
"""Numbers over the whole map that cost no more than one product: fewer are held instead."""
LARGEST = 2.0**100
"""Where numbers of a factor are divided by a power of two, which its product keeps."""
SMALLEST = 2.0**-300
"""What a number that would vanish so is set to, so that no element is lost: of three, 2**-900."""


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """For each element the product of its entries, times a power of two."""

    factors: tuple[Pattern, ...]
    """Of numbers, or of whether there is any way; at least one."""
    exponent: int = 0


Ways = tuple[Product, ...]
"""A sum; not empty."""


def one_unit(shape: Shape, unit: dict[int, int], algebra: Numbers | Presence = NUMBERS) -> Ways:
    """Return one way for the elements at `unit`, which fixes some axes; none for all others."""
    once = np.ones((1,) * len(shape), algebra.kind)
    alike = Pattern(shape, once, (None,) * len(shape), algebra=algebra)
    factors = []
    for axis, at in unit.items():
        if shape[axis] > 1:
            entries = np.array([0, 1], algebra.kind).reshape(
                [1 + (a == axis) for a in range(len(shape))]
            )
            places = (np.arange(shape[axis]) == at).astype(np.int64)
            factors.append(alike.with_axis(axis, shape[axis], entries, places))
    return (Product(tuple(factors) or (alike,)),)


def walked(steps: Iterable[Step], ways: Ways) -> Ways:
    """Return what follows through a chain of steps."""
    for step in steps:
        ways = tuple(_moved(step, one) for one in ways)
    return tuple(map(_settled, ways))


def _moved(step: Step, product: Product) -> Product:
    if isinstance(step, Reduce) and len(step.axes) > 1:
        for axis, size in zip(step.axes, step.sizes, strict=True):
            product = _moved(Reduce((axis,), (size,)), product)
        return product
    axes = _axes_of(step)
    if axes is None:
        return replace(product, factors=tuple(applied(step, one) for one in product.factors))
    meant = [one for one in product.factors if any(map(one.varies, axes))] or [product.factors[0]]
    moved = applied(step, reduce(Pattern.multiplied, meant))
    others = [one for one in product.factors if one not in meant]
    for axis in axes:
        size = moved.shape[axis]
        others = [one.with_axis(axis, size, one.entries, None) for one in others]
    return replace(product, factors=(moved, *others))


def _axes_of(step: Step) -> tuple[int, ...] | None:
    """Return the axes along which a step counts; None where it moves single elements."""
    match step:
        case Take(axis) | Mix(axis):
            return (axis,)
        case Reduce(axes):
            return axes
        case Keep(mask):
            return tuple(axis for axis, size in enumerate(mask.shape) if size > 1)
        case ReduceWhere(axis, mask) | SpreadWhere(axis, mask):
            return (axis, *(a for a, size in enumerate(mask.shape) if size > 1 and a != axis))
    return None


def _settled(product: Product) -> Product:
    """Return the same with numbers that are no larger than they need be."""
    factors, exponent = [], product.exponent
    for one in product.factors:
        largest = float(one.entries.max(initial=0))
        if largest > LARGEST:
            power = frexp(largest)[1]
            one, exponent = _scaled(one, -power), exponent + power
        factors.append(one)
    return Product(tuple(factors), exponent)


def added(one: Ways, two: Ways) -> Ways:
    """Return the sum of both: products that differ in one factor alone become one, and where none
    are counted, none lies within another.
    """
    found = list(one)
    names = [_names(product) for product in found]
    known = {key: place for place, name in enumerate(names) for key in _but_one(name)}
    for product in two:
        name = _names(product)
        keys = _but_one(name)
        place = next((known[key] for key in keys if key in known), len(found))
        if place == len(found):
            found.append(product)
            names.append(name)
        else:
            for key in _but_one(names[place]):  # it has another factor from now on
                known.pop(key, None)
            found[place] = _merged(found[place], product, names[place], name)
            names[place] = _names(found[place])
            keys = _but_one(names[place])
        known.update(dict.fromkeys(keys, place))
    if len(found) > FEW_PRODUCTS and _cells(found) <= CELLS_EACH * len(found):
        found = [reduce(_merged, map(_flat, found))]
    return tuple(map(_settled, found)) if _is_counted(found) else _widest(found)


def _names(product: Product) -> tuple[int, ...]:
    """Return a number for each factor, the same for those that are equal."""
    return tuple(one.name for one in product.factors)


def _but_one(names: tuple[int, ...]) -> list[tuple[int, tuple[int, ...]]]:
    """Return all factors but one, and which."""
    return [(place, (*names[:place], *names[place + 1 :])) for place in range(len(names))]


def _merged(one: Product, two: Product, *names: tuple[int, ...]) -> Product:
    """Return one product that is the sum of two that differ in one factor, by name, or in none.

    Without names it is the first.
    """
    place = next((n for n, (a, b) in enumerate(zip(*names, strict=True)) if a != b), 0)
    exponent = max(one.exponent, two.exponent)
    a, b = (_scaled(each.factors[place], each.exponent - exponent) for each in (one, two))
    factors = (*one.factors[:place], a.united(b), *one.factors[place + 1 :])
    return Product(factors, exponent)


def _scaled(pattern: Pattern, power: int) -> Pattern:
    if not power:
        return pattern
    entries = np.ldexp(pattern.entries, power)
    entries[(pattern.entries > 0) & (entries < SMALLEST)] = SMALLEST
    return replace(pattern, entries=entries)


def _flat(product: Product) -> Product:
    return Product((reduce(Pattern.multiplied, product.factors),), product.exponent)


def _cells(products: Sequence[Product]) -> int:
    """Return how many numbers a sum has over the whole map, at most."""
    return prod(
        min(size, sum(max(f.entries.shape[axis] for f in one.factors) for one in products))
        for axis, size in enumerate(_shape(products))
        if any(f.varies(axis) for one in products for f in one.factors)
    )


def _shape(products: Iterable[Product]) -> Shape:
    return next(factor.shape for one in products for factor in one.factors)


def over(ways: Ways, axes: Iterable[int]) -> NDArray[np.float64]:
    """Return the ways over some axes of a value, those of all other axes added up."""
    axes = tuple(axes)
    exponent = max(product.exponent for product in ways)
    found: NDArray[np.float64] = np.zeros(())
    for product in _along(ways, axes):
        numbers = reduce(np.multiply, (_dense(one, axes) for one in product.factors))
        least = np.ldexp(1.0, max(product.exponent - exponent, -1000))
        found = found + np.where(numbers > 0, np.maximum(numbers * least, SMALLEST**3), 0.0)
    found = np.broadcast_to(found, [_shape(ways)[axis] for axis in sorted(axes)])
    if abs(exponent) < 500 and float(found.max(initial=0)) < LARGEST:
        found = np.ldexp(found, exponent)
    return found.transpose(np.argsort(np.argsort(axes)))


def _along(ways: Ways, axes: tuple[int, ...]) -> Ways:
    """Return the same with all other axes added up; positions that are alike count as one."""
    for axis, size in enumerate(_shape(ways)):
        if axis not in axes:
            ways = tuple(
                _moved(Reduce((axis,), (size,)), one)
                if any(f.varies(axis) for f in one.factors)
                else one
                for one in ways
            )
    return tuple(map(_settled, ways))


def _dense(pattern: Pattern, axes: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a factor over some axes, with size 1 along those where all are alike."""
    entries = pattern.entries
    for axis in axes:
        if pattern.varies(axis):
            entries = entries.take(pattern.index(axis), axis=axis)
    return entries.reshape([entries.shape[axis] for axis in sorted(axes)])


def seen_along(ways: Ways, axis: int) -> NDArray[np.bool_]:
    """Return the positions along one axis that there are any ways from."""
    shape = _shape(ways)
    if any(sum(f.varies(a) for f in one.factors) > 1 for one in ways for a in range(len(shape))):
        return over(_filled(ways), (axis,)) > 0
    found = np.zeros(shape[axis], dtype=np.bool_)
    for one in ways:
        if all(factor.entries.any() for factor in one.factors):
            found |= _may_hold((one,), axis)
    return found


def _filled(ways: Ways) -> Ways:
    """Return where there is any way."""
    return tuple(Product(tuple(map(_present, one.factors))) for one in ways)


def _present(factor: Pattern) -> Pattern:
    if factor.algebra is PRESENCE:
        return factor
    return replace(factor, entries=factor.entries > 0, algebra=PRESENCE)


def _is_counted(ways: Sequence[Product]) -> bool:
    return any(factor.algebra is NUMBERS for one in ways for factor in one.factors)


def reached(ways: Ways, axes: Sequence[int]) -> int:
    """Return how many positions over some axes there are any ways from."""
    axes = tuple(sorted(axes))
    masks = _widest(_along(_filled(ways), axes))
    shape = _shape(masks)
    if len(masks) == 1:
        (factors,) = (one.factors for one in masks)
        counts = {axis: sum(f.varies(axis) for f in factors) for axis in axes}
        if all(count < 2 for count in counts.values()):
            free = prod(shape[axis] for axis, count in counts.items() if not count)
            return prod(map(_filled_in, factors)) * free
    held = [np.flatnonzero(_may_hold(masks, axis)) for axis in axes]
    found = np.zeros([len(one) for one in held], dtype=np.bool_)
    for product in masks:
        parts = [_cropped(factor, axes, held) for factor in product.factors]
        found |= reduce(np.logical_and, parts)
    return int(found.sum())


def _widest(masks: Sequence[Product]) -> Ways:
    """Return the same union without the products that lie within others."""
    found: list[Product] = []
    for one in sorted(masks, key=lambda one: -prod(map(_filled_in, one.factors))):
        if not any(_lies_within(one, other) for other in found):
            found.append(one)
    return tuple(found)


def _lies_within(one: Product, two: Product) -> bool:
    return len(one.factors) == len(two.factors) and all(
        bool((a <= b).all())
        for a, b in (aligned(f, g)[:2] for f, g in zip(one.factors, two.factors, strict=True))
    )


def _filled_in(mask: Pattern) -> int:
    """Return how many positions a factor is not 0 at, over the axes along which it varies."""
    found = mask.entries.astype(np.float64)
    for axis in range(found.ndim):
        if mask.varies(axis):
            counts = np.bincount(mask.index(axis), minlength=found.shape[axis])
            found = np.expand_dims(np.tensordot(found, counts, axes=(axis, 0)), axis)
    return round(float(found.sum()))


def _may_hold(ways: Ways, axis: int) -> NDArray[np.bool_]:
    """Return the positions along an axis outside which all is 0."""
    found = np.zeros(_shape(ways)[axis], dtype=np.bool_)
    for product in ways:
        mine = np.ones_like(found)
        for factor in product.factors:
            others = tuple(a for a in range(factor.entries.ndim) if a != axis)
            mine &= np.asarray((factor.entries > 0).any(axis=others))[factor.index(axis)]
        found |= mine
    return found


def _cropped(
    mask: Pattern, axes: Sequence[int], held: Sequence[NDArray[np.int64]]
) -> NDArray[np.bool_]:
    """Return a factor at some positions of some axes."""
    entries = mask.entries
    for axis, kept in zip(axes, held, strict=True):
        if mask.varies(axis):
            entries = entries.take(mask.index(axis)[kept], axis=axis)
    return np.asarray(entries.reshape([entries.shape[axis] for axis in axes]))
