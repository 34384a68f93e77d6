"""What follows through one edge, and whether positions looked at others on the way."""

from __future__ import annotations

from dataclasses import replace

from archscope.dependence.sets.steps import Edge, Mix, Reduce, ReduceWhere, Step, Take
from archscope.dependence.sets.terms import Term, Terms, apply, unite


def through_edge(
    edge: Edge, terms: Terms, *, parts: bool, drop: bool = False
) -> tuple[Terms, bool, bool]:
    """Return what follows through an edge, whether any position looked at others on the way, and
    whether all positions of some axis became one; with `drop` less what did.

    With `parts` what leaves positions of the input out is known to be of a part of them.
    """
    looks = collapsed = False
    for step in edge.steps:
        units = {axis for term in terms for pattern in term.sets for axis in pattern.units}
        if not units & set(_looked_along(step)):
            terms = apply((step,), terms)
            continue
        looks = True
        after: list[Term] = []
        lost = False
        for term in terms:
            made = apply((step,), (term,))
            after += [_of_part(term, one) for one in made] if parts else made
            lost = lost or (
                isinstance(step, Mix | Reduce) and any(_collapses(step, term, one) for one in made)
            )
        collapsed = collapsed or lost
        # A reduction is left out as a whole, as it is on the way back from a unit.
        terms = () if lost and drop else unite(after)
    return terms, looks, collapsed


def _looked_along(step: Step) -> tuple[int, ...]:
    """Return the axes along which a step leads from some position to another."""
    match step:
        case Take(axis=axis, links=links):
            return () if links.is_identity else (axis,)
        case Mix(axis=axis) | ReduceWhere(axis=axis):
            return (axis,)
        case Reduce(axes=axes):
            return axes
    return ()


def _of_part(before: Term, after: Term) -> Term:
    """Return a term that knows which axes it is of a part of, where positions were left out."""
    found = []
    for whole, part in zip(before.sets, after.sets, strict=True):
        is_less = not part.is_part and bool((part.everything != whole.everything).any())
        found.append(replace(part, is_part=True) if is_less else part)
    return replace(after, sets=tuple(found))


def _collapses(step: Mix | Reduce, before: Term, after: Term) -> bool:
    """Return whether a step made of an axis of positions one set that holds them all."""
    axes = step.axes if isinstance(step, Reduce) else (step.axis,)
    for old, new in zip(before.sets, after.sets, strict=True):
        if not any(axis in axes and old.varies(axis) for axis in old.units):
            continue
        everything = old.everything
        if bool(((new.entries == everything) | (new.entries == 0)).all()):
            return True
    return False
