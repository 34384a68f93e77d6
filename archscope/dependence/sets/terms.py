"""What each element depends on, over all axes of the input together: a union of products.

A term is a set along each axis; what it means is their product. Convolutions keep products,
branches unite them (ASPP is three that no one product holds); a union is kept as its terms, less
those that lie within others. Where axes get entangled beyond that, a term says that it is no more
than a bound: its sets along each axis by itself are still exact. An element that depends on nothing
(padding) has an empty set along some axis, not along each: so the rows of an image that are padding
do not make what its columns see differ from row to row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.sets.joining import joined
from archscope.dependence.sets.patterns import Pattern
from archscope.dependence.sets.steps import (
    Keep,
    Mix,
    Reduce,
    ReduceWhere,
    Spread,
    Step,
    Take,
    applied,
)

MOST_TERMS = 8
"""Products that a union is made of before it is given up."""
MOST_SPLIT = 64
"""Kinds of positions along an entangled axis up to which each becomes a term."""


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """For each element a product of sets."""

    sets: tuple[Pattern, ...]
    """Along each axis of the input."""
    exact: bool
    """Whether the product is what is meant; else it is a bound, and the sets alone are exact."""


Terms = tuple[Term, ...]
"""A union; empty: depends on nothing."""


def apply(steps: Sequence[Step], terms: Terms) -> Terms:
    """Return what follows through a chain of steps."""
    for step in _one_by_one(steps):
        moved = [part for term in terms for part in _apply(step, term)]
        # Only where elements are united can one product come to lie within another.
        terms = (
            unite(moved) if isinstance(step, Take | Mix | Reduce | ReduceWhere) else tuple(moved)
        )
    return terms


def _one_by_one(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield steps, those that unite several axes as one for each: each may entangle others."""
    for step in steps:
        if isinstance(step, Reduce):
            yield from (
                Reduce((axis,), (size,)) for axis, size in zip(step.axes, step.sizes, strict=True)
            )
        else:
            yield step


def _apply(step: Step, term: Term) -> list[Term]:
    axis = _entangled(step, term)
    if axis is None:
        return [_moved(step, term)]
    if isinstance(step, Reduce) or (isinstance(step, Mix) and step.groups == 1):
        if _is_grid(term.sets, axis):
            return [_moved(step, term)]
        term = _emptied(term)
        parts = _split(term, axis)
        if parts is not None:
            return [_moved(step, part) for part in parts]
    return [replace(_moved(step, _emptied(term)), exact=False)]


def _moved(step: Step, term: Term) -> Term:
    """Return a term after a step; one set alone says which elements depend on nothing."""
    match step:
        case Take(axis, links):
            alike: Step = Spread((axis,), (links.size,))
        case Keep(mask) if sum(size > 1 for size in mask.shape) == 1:
            axis, alike = int(np.argmax(mask.shape)), Spread((), ())
        case _:
            return Term(tuple(applied(step, pattern) for pattern in term.sets), term.exact)
    told = [pattern.varies(axis) for pattern in term.sets]
    if not any(told):  # along an axis of one position too, a set of its own is cut short
        own = next((n for n, pattern in enumerate(term.sets) if axis in pattern.units), 0)
        told = [number == own for number in range(len(told))]
    pairs = zip(term.sets, told, strict=True)
    found = tuple(applied(step if own else alike, one) for one, own in pairs)
    if isinstance(step, Take) and step.stacks:  # of rows and columns each was picked from one
        found = tuple(pattern.restored(axis) for pattern in found)
    return Term(found, term.exact)


def _emptied(term: Term) -> Term:
    """Return a term with all sets empty of an element that depends on nothing."""
    found = []
    for own in term.sets:
        others = (other for other in term.sets if other is not own)
        found.append(reduce(Pattern.where, others, own))
    return replace(term, sets=tuple(found))


def _entangled(step: Step, term: Term) -> int | None:
    """Return an axis that a step unites along and that sets of two input axes vary along."""
    match step:
        case Reduce(axes):
            united = axes
        case Mix(axis) | ReduceWhere(axis):
            united = (axis,)
        case Take(axis, links):
            united = (axis,) if links.gathers is None else ()
        case _:
            united = ()
    several = (axis for axis in united if sum(one.varies(axis) for one in term.sets) > 1)
    return next(several, None)


def _is_grid(sets: Sequence[Pattern], axis: int) -> bool:
    """Return whether, along an axis, each set of one input axis meets each of the others.

    So it is where the axis lists the cells of a grid (the tokens of an image or of a window).
    Then the union of products is the product of unions.
    """
    kinds = [pattern.kinds_along(axis)[1][pattern.index(axis)] for pattern in sets]
    together = reduce(_pairs, kinds)
    # Sets that also vary along other axes (windows) are kinds of whole columns here: the grid must
    # be the same in each, which is what windows of an image are.
    return bool(together.max() + 1 == prod(len(np.unique(numbers)) for numbers in kinds))


def _pairs(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a number from 0 on for each pair of numbers."""
    return np.unique(one * (other.max() + 1) + other, return_inverse=True)[1]


def _split(term: Term, axis: int) -> list[Term] | None:
    """Return a term for each kind of position along an axis, None where they are too many.

    Positions are of a kind whose products differ along one axis of the input alone, the last:
    their union is a product.
    """
    *others, last = term.sets
    key = np.zeros(last.shape[axis], dtype=np.int64)
    for pattern in others:
        kinds = pattern.kinds_along(axis)[1][pattern.index(axis)]
        key = key * (kinds.max() + 1) + kinds
    _, places, groups = np.unique(key, return_index=True, return_inverse=True)
    if len(places) > MOST_SPLIT:
        return None
    found = []
    for number, place in enumerate(places):
        members = np.flatnonzero(groups == number)
        together = last.sets.united(last.entries.take(last.index(axis)[members], axis), axis)
        alone = [_at(one, axis, place) for one in others]
        whole = last.with_axis(axis, last.shape[axis], together, None)
        found.append(Term((*alone, whole), term.exact))
    return found


def unite(terms: Iterable[Term]) -> Terms:
    """Return a union without the terms that lie within others."""
    kept: list[Term] = []
    left = iter(terms)
    for term in left:
        _add(kept, term)
        if len(kept) > MOST_TERMS:  # they become no fewer, however many come
            return (_bound((*kept, *left)),)
    return tuple(kept)


def _add(kept: list[Term], term: Term) -> None:
    for place, other in enumerate(kept):
        merged = _merged(other, term)
        if merged is not None:
            kept[place] = merged
            return
    kept.append(term)


def _merged(one: Term, two: Term) -> Term | None:
    """Return a term that is the union of both, None where there is no such."""
    if one is two:
        return one
    pairs = list(zip(one.sets, two.sets, strict=True))
    over = [a.covers(b) for a, b in pairs]
    if all(over):  # an exact product is kept beside a bound that it lies within
        return _apart(one, two) if one.exact or not two.exact else None
    under = [b.covers(a) for a, b in pairs]
    if all(under):
        return _apart(two, one) if two.exact or not one.exact else None
    differing = [axis for axis in range(len(pairs)) if not (over[axis] and under[axis])]
    widened = [axis for axis in differing if one.sets[axis].widens(two.sets[axis])]
    if len(differing) > 1 or widened:
        if not _are_apart(one, two):
            return None
        pairs = list(zip(_emptied(one).sets, _emptied(two).sets, strict=True))
        differing = list(range(len(pairs)))
    sets = [a.united(b) if axis in differing else a for axis, (a, b) in enumerate(pairs)]
    return Term(tuple(sets), one.exact and two.exact)


def _apart(whole: Term, part: Term) -> Term | None:
    """Return a term that holds another, with positions told apart where either does so.

    What sees everything, as a query does, has a place of its own all the same. None where too many
    would be told apart: both are kept.
    """
    pairs = list(zip(whole.sets, part.sets, strict=True))
    if all(set(b.units) <= set(a.units) for a, b in pairs):
        return whole
    if any(a.widens(b) for a, b in pairs):
        return None
    return replace(whole, sets=tuple(a.apart_as(b) for a, b in pairs))


def _bound(terms: Sequence[Term]) -> Term:
    first, *_ = terms
    return Term(tuple(along(terms, axis) for axis in range(len(first.sets))), exact=False)


def along(terms: Sequence[Term], axis: int) -> Pattern:
    """Return the sets along one axis of the input, exact also where the products are not."""
    return reduce(Pattern.united, (_alone(term, axis, terms) for term in terms))


def _alone(term: Term, axis: int, terms: Sequence[Term]) -> Pattern:
    """Return the sets of a term along one axis, empty where it holds nothing along another."""
    found = term.sets[axis]
    for number, other in enumerate(term.sets):
        together = any(found.varies(at) and other.varies(at) for at in range(len(found.shape)))
        if number != axis and (together or len(terms) > 1):
            found = found.where(other)
    return found


def side_by_side(parts: Sequence[tuple[Terms, tuple[int, ...]]], axis: int) -> Terms:
    """Return what a concatenation of (terms, shape) depends on; a part may depend on nothing."""
    model = next((terms[0] for terms, _ in parts if terms), None)
    if model is None:
        return ()
    found = []
    for number in range(max(len(terms) for terms, _ in parts)):
        rows = [
            terms[number] if number < len(terms) else _nothing(shape, model)
            for terms, shape in parts
        ]
        found.append(Term(tuple(_joined(rows, axis)), all(row.exact for row in rows)))
    return unite(found)


def _joined(rows: Sequence[Term], axis: int) -> Iterator[Pattern]:
    """Yield sets side by side; one alone says which parts depend on nothing."""
    parts = list(zip(*(row.sets for row in rows), strict=True))
    telling = next((n for n, row in enumerate(parts) if any(p.varies(axis) for p in row)), 0)
    for number, row in enumerate(parts):
        filled = [part for part in row if _has_any(part)]
        same = {id(part.entries) for part in filled}
        is_alike = len(same) == 1 and not filled[0].varies(axis)
        is_told = not any(
            _has_any(other) and not _has_any(part)
            for other, part in zip(parts[telling], row, strict=True)
        )
        if number != telling and len(filled) < len(row) and is_alike and is_told:
            size = sum(part.shape[axis] for part in row)
            yield filled[0].with_axis(axis, size, filled[0].entries, None)
        else:
            yield joined(row, axis)


def _has_any(pattern: Pattern) -> bool:
    """Return whether any element has anything."""
    return bool(pattern.sets.held(pattern.entries).any())


def _nothing(shape: tuple[int, ...], model: Term) -> Term:
    places, positional = (None,) * len(shape), (False,) * len(shape)
    empty = np.zeros((1,) * len(shape), dtype=np.int64)
    pattern = Pattern(shape, empty, places, positional, algebra=model.sets[0].algebra)
    return Term((pattern,) * len(model.sets), exact=True)


def _are_apart(one: Term, two: Term) -> bool:
    """Return whether, along some axis, no position depends on something in both.

    So it is with the parts of a concatenation: each element's product is in one of them.
    """
    sets = (*one.sets, *two.sets)
    axes = [axis for axis in range(len(sets[0].shape)) if any(p.varies(axis) for p in sets)]
    if not sets[0].shape:
        return False
    return any(not (_holds(one, axis) & _holds(two, axis)).any() for axis in axes or (0,))


def _at(pattern: Pattern, axis: int, place: int) -> Pattern:
    """Return a pattern as if all positions of an axis held what one does."""
    entries = pattern.entries.take(pattern.index(axis)[[place]], axis=axis)
    return pattern.with_axis(axis, pattern.shape[axis], entries, None)


def _holds(term: Term, axis: int) -> NDArray[np.bool_]:
    """Return which positions of an axis have anything in each of their sets."""
    return np.asarray(np.all([pattern.filled(axis) for pattern in term.sets], axis=0))
