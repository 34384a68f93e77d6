"""What each element depends on, over all axes of the input together: a union of products.

A term is a set along each axis; what it means is their product. Convolutions keep products,
branches unite them (ASPP is three that no one product holds); a union is kept as its terms, less
those that lie within others. Where axes get entangled beyond that, a term says that it is no more
than a bound: its sets along each axis by itself are still exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.joining import joined
from archscope.dependence.patterns import Array, Pattern
from archscope.dependence.steps import Mix, Reduce, ReduceWhere, Step, Take

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

    def covers(self, other: Term) -> bool:
        """Return whether every element's product has the other's in it."""
        return all(a.covers(b) for a, b in zip(self.sets, other.sets, strict=True))


Terms = tuple[Term, ...]
"""A union; empty: depends on nothing."""


def apply(steps: Sequence[Step], terms: Terms) -> Terms:
    """Return what follows through a chain of steps."""
    for step in steps:
        moved = [part for term in terms for part in _apply(step, term)]
        # Only where elements are united can one product come to lie within another.
        terms = (
            unite(moved) if isinstance(step, Take | Mix | Reduce | ReduceWhere) else tuple(moved)
        )
    return terms


def _apply(step: Step, term: Term) -> list[Term]:
    axis = _entangled(step, term)
    if axis is None:
        return [Term(tuple(step.apply(pattern) for pattern in term.sets), term.exact)]
    moved = tuple(step.apply(pattern) for pattern in term.sets)
    if isinstance(step, Mix | Reduce) and not (isinstance(step, Mix) and step.groups > 1):
        parts = _split(term, axis)
        if (parts is None or len(parts) > MOST_TERMS) and _is_grid(term.sets, axis):
            return [Term(moved, term.exact)]
        if parts is not None:
            return [Term(tuple(step.apply(p) for p in part.sets), part.exact) for part in parts]
    return [Term(moved, exact=False)]


def _entangled(step: Step, term: Term) -> int | None:
    """Return an axis that a step unites along and that sets of two input axes vary along."""
    if isinstance(step, Reduce):
        axes: tuple[int, ...] = step.axes
    elif isinstance(step, Mix | ReduceWhere) or (
        isinstance(step, Take) and not step.links.is_gather
    ):
        axes = (step.axis,)
    else:
        return None
    for axis in axes:
        if sum(pattern.varies(axis) for pattern in term.sets) > 1:
            return axis
    return None


def _is_grid(sets: Sequence[Pattern], axis: int) -> bool:
    """Return whether, along an axis, each set of one input axis meets each of the others.

    So it is where the axis lists the cells of a grid (the tokens of an image or of a window).
    Then the union of products is the product of unions.
    """
    kinds = []
    for pattern in sets:
        moved = np.ascontiguousarray(np.moveaxis(pattern.entries, axis, 0))
        seen: dict[bytes, int] = {}
        numbers = np.array([seen.setdefault(entry.tobytes(), len(seen)) for entry in moved])
        kinds.append(numbers[pattern.index(axis)])
    together = {tuple(row) for row in np.stack(kinds, axis=1).tolist()}
    # Sets that also vary along other axes (windows) are kinds of whole columns here: the grid must
    # be the same in each, which is what windows of an image are.
    return len(together) == prod(len(np.unique(numbers)) for numbers in kinds)


def _split(term: Term, axis: int) -> list[Term] | None:
    """Return a term for each kind of position along an axis, None where they are too many."""
    size = term.sets[0].shape[axis]
    key = np.zeros(size, dtype=np.int64)
    for pattern in term.sets:
        key = key * pattern.entries.shape[axis] + pattern.index(axis)
    _, places = np.unique(key, return_index=True)
    if len(places) > MOST_SPLIT:
        return None
    found = []
    for place in places:
        sets = tuple(pattern.alone(axis, int(pattern.index(axis)[place])) for pattern in term.sets)
        found.append(Term(sets, term.exact))
    return found


def unite(terms: Iterable[Term]) -> Terms:
    """Return a union without the terms that lie within others."""
    terms = list(terms)
    if len(terms) == 1:
        return (terms[0],)
    kept: list[Term] = []
    for term in terms:
        _add(kept, term)
    if len(kept) > MOST_TERMS:
        return (_bound(kept),)
    return tuple(kept)


def _add(kept: list[Term], term: Term) -> None:
    for place, other in enumerate(kept):
        if other is term:
            return
        if other.covers(term):
            if other.exact or not term.exact:
                return
            break
        if term.covers(other) and (term.exact or not other.exact):
            kept[place] = term
            return
        if _are_apart(other, term):
            sets = [a.united(b) for a, b in zip(other.sets, term.sets, strict=True)]
            kept[place] = Term(tuple(sets), other.exact and term.exact)
            return
        differing = [
            axis
            for axis, (a, b) in enumerate(zip(other.sets, term.sets, strict=True))
            if not a.equals(b)
        ]
        if len(differing) == 1 and not _widens(
            other, term, differing[0]
        ):  # products that differ along one axis make a product
            (axis,) = differing
            sets = list(other.sets)
            sets[axis] = other.sets[axis].united(term.sets[axis])
            kept[place] = Term(tuple(sets), other.exact and term.exact)
            return
    kept.append(term)


def _widens(one: Term, two: Term, axis: int) -> bool:
    return one.sets[axis].widens(two.sets[axis])


def _bound(terms: Sequence[Term]) -> Term:
    sets = list(terms[0].sets)
    for term in terms[1:]:
        sets = [a.united(b) for a, b in zip(sets, term.sets, strict=True)]
    return Term(tuple(sets), exact=False)


def along(terms: Terms, axis: int) -> Pattern | None:
    """Return the sets along one axis of the input, exact also where the products are not."""
    found: Pattern | None = None
    for term in terms:
        found = term.sets[axis] if found is None else found.united(term.sets[axis])
    return found


def side_by_side(parts: Sequence[tuple[Terms, tuple[int, ...]]], axis: int) -> Terms:
    """Return what a concatenation of (terms, shape) depends on; a part may depend on nothing."""
    model = next((terms[0] for terms, _ in parts if terms), None)
    if model is None:
        return ()
    words = [pattern.entries.shape[-1] for pattern in model.sets]
    found = []
    for number in range(max(len(terms) for terms, _ in parts)):
        rows = [
            terms[number] if number < len(terms) else _nothing(shape, words)
            for terms, shape in parts
        ]
        sets = tuple(joined([row.sets[one] for row in rows], axis) for one in range(len(words)))
        found.append(Term(sets, all(row.exact for row in rows)))
    return unite(found)


def _nothing(shape: tuple[int, ...], words: Sequence[int]) -> Term:
    alone = (1,) * len(shape)
    empty: list[Array] = [np.zeros((*alone, count), dtype=np.uint64) for count in words]
    places, positional = (None,) * len(shape), (False,) * len(shape)
    return Term(tuple(Pattern(shape, one, places, positional) for one in empty), exact=True)


def _are_apart(one: Term, two: Term) -> bool:
    """Return whether, along some axis, no position depends on something in both.

    So it is with the parts of a concatenation: each element's product is in one of them.
    """
    for axis in range(len(one.sets[0].shape)):
        for a, b in zip(one.sets, two.sets, strict=True):
            if a.varies(axis) and b.varies(axis) and not (_holds(a, axis) & _holds(b, axis)).any():
                return True
    return False


def _holds(pattern: Pattern, axis: int) -> NDArray[np.bool_]:
    """Return which positions of an axis have anything in their sets."""
    moved = np.moveaxis(pattern.entries, axis, 0)
    filled = np.asarray(moved.reshape(len(moved), -1).any(axis=1))
    held: NDArray[np.bool_] = filled[pattern.index(axis)]
    return held
