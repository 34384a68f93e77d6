"""A rule by itself: the edges of one node, and what its operator does when torch runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archscope.dependence import rules
from archscope.dependence.answer.backward import ways
from archscope.dependence.answer.forward import seeds
from archscope.dependence.record.graph import Node, Shape, Value
from archscope.dependence.record.operators import name_of
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import Lowered
from archscope.dependence.sets.products import over
from archscope.dependence.sets.steps import Reshape
from archscope.dependence.sets.terms import along, apply, unite

ALTERED = (0.31, 3.0, -3.0)
"""What is added to a number: a little, and so much that it changes an order."""


def lowered(operator: str, source: Value, outputs: list[Shape], /, **arguments: Any) -> Lowered:
    """Return a node that nobody ran, as edges."""
    made = tuple(Value(1 + place, shape) for place, shape in enumerate(outputs))
    node = Node(
        operator=operator,
        arguments=arguments,
        outputs=made,
        picked=None,
        module="",
        pointwise=False,
    )
    return rules.lower(node, Zeros())


def said_of(found: Lowered, source: Value, output: int) -> NDArray[np.bool_]:
    """Return which element of an output is said to depend on which of the source."""
    target = found.node.outputs[output]
    assert target is not None
    steps = [step for edge in found.edges for step in edge.steps if isinstance(step, Reshape)]
    assert [each for each in steps if np.prod(each.before) != np.prod(each.after)] == []
    rows = []
    for unit in np.ndindex(*target.shape):
        back = ways((found,), target, dict(enumerate(unit)), [source])
        seen = over(back[source], range(len(source.shape))) if source in back else np.zeros(1)
        rows.append(np.broadcast_to(seen.reshape(-1) > 0, (int(np.prod(source.shape)),)))
    found_backward = np.stack(rows)
    _check_forward(found, source, target, found_backward)
    return found_backward


def _check_forward(found: Lowered, source: Value, target: Value, rows: NDArray[np.bool_]) -> None:
    """Hold what is said of each axis by itself, walking forward, to what is said backward."""
    axes = range(len(source.shape))
    start = seeds(source, tuple(axes))
    ways_to = [each for each in found.edges if (each.source, each.target) == (source, target)]
    terms = unite(term for edge in ways_to for term in apply(edge.steps, start))
    if not terms or not target.shape:
        return
    seen = rows.reshape(-1, *source.shape)
    for axis in axes:
        of_axis = seen.any(tuple(1 + other for other in axes if other != axis))
        pattern = along(terms, axis)
        for row, unit in zip(of_axis, np.ndindex(*target.shape), strict=True):
            (told,) = pattern.at(unit).tolist()
            # What depends on nothing says so along one axis alone.
            assert not row.any() or pattern.sets.bits(told) == sum(
                1 << int(at) for at in np.flatnonzero(row)
            ), (found.node.operator, axis, unit)


def run(overload: Any, given: dict[str, Any]) -> list[Tensor]:
    """Return what an operator makes, with the same chance each time."""
    torch.default_generator.manual_seed(0)  # of the processor alone: of all takes longer than most
    made = overload(**{name: copied(value) for name, value in given.items()})
    return [made] if isinstance(made, Tensor) else list(made)


def copied(value: Any) -> Any:
    if isinstance(value, list):
        return [copied(each) for each in value]
    return value.clone() if isinstance(value, Tensor) else value


def changed(call: Callable[[Tensor], list[Tensor]], x: Tensor) -> list[NDArray[np.bool_]]:
    """Return of each output which element changes with which number of `x`."""
    before = [dense(each) for each in call(x)]
    found = [np.zeros((each.size, x.numel()), dtype=np.bool_) for each in before]
    for place in range(x.numel()):
        for step in ALTERED:
            y = x.clone()
            y.view(-1)[place] += step
            for mask, one, other in zip(found, before, call(y), strict=True):
                mask[:, place] |= (abs(dense(other) - one) > 1e-9).reshape(-1)
    return found


def dense(y: Tensor) -> NDArray[np.float64]:
    y = torch.view_as_real(y).sum(-1) if y.is_complex() else y
    return np.nan_to_num(y.double().numpy(), nan=7.0)


def arguments_of(overload: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Return every argument by its name, defaults too, as a node has them."""
    return {
        each.name: given.get(each.name, each.default_value) for each in overload._schema.arguments
    }


def told_and_seen(
    overload: Any, given: dict[str, Any], name: str
) -> tuple[Lowered, list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]]:
    """Return the edges of an operator from one of its arguments, and of each output what they say
    and what changes.
    """
    place = None
    if "." in name:  # one of a list
        name, _, number = name.partition(".")
        place = int(number)
    x = given[name] if place is None else given[name][place]
    source = Value(0, tuple(x.shape))

    def put(value: Any) -> dict[str, Any]:
        if place is None:
            return {**given, name: value}
        return {**given, name: [*given[name][:place], value, *given[name][place + 1 :]]}

    seen = changed(lambda y: run(overload, put(y)), x)
    shapes = [tuple(each.shape) for each in run(overload, given)]
    found = lowered(name_of(overload), source, shapes, **arguments_of(overload, put(source)))
    return found, [(said_of(found, source, n), mask) for n, mask in enumerate(seen) if mask.size]
