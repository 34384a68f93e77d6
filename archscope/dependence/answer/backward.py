"""Which elements of every value reach one output unit, and in how many ways: a walk backward.

Ways are counted through the taps of windows and through additions; features count as one (where
channels are mixed, numbers are averaged), and so does an axis along which nothing differs. For a
single path of convolutions these are exactly the path counts of `theory.paths`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archscope.dependence.record.graph import Value
from archscope.dependence.rules import Lowered
from archscope.dependence.sets.algebra import NUMBERS, Numbers, Presence
from archscope.dependence.sets.products import Ways, added, one_unit, walked
from archscope.dependence.sets.steps import Edge, backward


def ways(
    lowered: tuple[Lowered, ...],
    target: Value,
    unit: dict[int, int],
    wanted: Iterable[Value],
    *,
    without: frozenset[Edge] = frozenset(),
) -> dict[Value, Ways]:
    """Return the ways to the elements of `target` at `unit`, from every element of each value.

    `unit` fixes some axes of the target by number; along the others all elements are meant.
    Edges in `without` are not walked. Numbers are right up to a factor that each value has.
    """
    return dict(walk(lowered, target, unit, wanted, without=without))


def walk(
    lowered: tuple[Lowered, ...],
    target: Value,
    unit: dict[int, int],
    wanted: Iterable[Value],
    *,
    without: frozenset[Edge] = frozenset(),
    algebra: Numbers | Presence = NUMBERS,
) -> Iterator[tuple[Value, Ways]]:
    """Yield the same one value after another, the last first: none need be held.

    `algebra` says whether ways are counted, or only whether there are any.
    """
    kept = set(wanted)
    found = {target: one_unit(target.shape, unit, algebra)}
    for each in reversed(lowered):
        for edge in each.edges:
            if edge.target not in found or edge in without:
                continue
            back = walked(backward(edge.steps), found[edge.target])
            before = found.get(edge.source)
            found[edge.source] = back if before is None else added(before, back)
        for value in each.node.outputs:
            if value in found:
                done = found.pop(value)
                if value in kept:
                    yield value, done
    yield from ((value, found[value]) for value in kept if value in found)
