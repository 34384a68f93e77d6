"""Which borders are those of the input: they move where the input is made larger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from archscope.dependence.rules import Lowered
from archscope.dependence.sets.steps import Edge, Step, Take


def without_inner(small: Sequence[Lowered], large: Sequence[Lowered]) -> tuple[Lowered, ...]:
    """Return a pass on an input that is longer along all axes, less the borders within it.

    What an operator pads is as long as on the smaller one where it is a patch or a window of
    attention: a convolution within those is cut short there on any input.
    """
    found = (replace(b, edges=tuple(_edges(a, b))) for a, b in zip(small, large, strict=False))
    return (*found, *large[len(small) :])


def _edges(small: Lowered, large: Lowered) -> Iterator[Edge]:
    for number, edge in enumerate(large.edges):
        before = small.edges[number].steps if number < len(small.edges) else ()
        steps = tuple(map(_step, before, edge.steps))
        are_inner = len(before) == len(edge.steps) and steps != edge.steps
        yield replace(edge, steps=steps) if are_inner else edge


def _step(small: Step, large: Step) -> Step:
    if not isinstance(large, Take) or not isinstance(small, Take) or large.links.clipped is None:
        return large
    is_inner = (small.links.reads, small.links.size) == (large.links.reads, large.links.size)
    return replace(large, links=replace(large.links, clipped=None)) if is_inner else large
