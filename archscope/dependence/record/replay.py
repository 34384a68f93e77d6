"""Runs recorded operators again, in double precision and on other numbers, to see what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from archscope.dependence.record.graph import WRITE, Node, Value
from archscope.dependence.record.recipes import drawn

Numbers = Mapping[Value, Tensor]
_SAME = frozenset(("clone", "contiguous", "detach", "alias", "lift_fresh", "dropout"))


def with_numbers(nodes: Iterable[Node], generator: torch.Generator) -> list[Node]:
    """Return nodes whose arguments are in double precision, what is learned as random numbers."""

    def read(leaf: Any) -> Any:
        return leaf if isinstance(leaf, Value) else drawn(leaf, generator)

    return [
        node
        if node.operator == WRITE
        else replace(node, arguments=_each(read, dict(node.arguments)))
        for node in nodes
    ]


def replayed(nodes: Iterable[Node], given: Numbers) -> dict[Value, Tensor]:
    """Return the given numbers and what nodes with numbers, in order, make of them."""
    numbers = dict(given)
    for node in nodes:
        made = _run(node, numbers)
        several = list(made) if isinstance(made, list | tuple) else [made]
        if node.picked is not None:
            several = [several[node.picked]]
        for value, one in zip(node.outputs, several, strict=False):
            if value is not None:
                numbers[value] = one
    return numbers


def _each(read: Callable[[Any], Any], arguments: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = tree_map(read, arguments, is_leaf=lambda leaf: isinstance(leaf, Value))
    return found


def _run(node: Node, numbers: Numbers) -> Any:
    if node.operator == WRITE:
        return _written(node, numbers)
    given = _each(
        lambda leaf: numbers[leaf] if isinstance(leaf, Value) else leaf, {**node.arguments}
    )
    target = node.outputs[0]
    if node.operator == "copy":
        assert target is not None
        return given["src"].expand(target.shape)
    first, *rest = given.values()
    if node.operator in _SAME:
        return first
    if node.operator == "_to_copy":
        dtype = given["dtype"]
        return first if dtype is None else first.to(dtype)
    operator = "reshape" if node.operator in ("view", "_unsafe_view") else node.operator
    names = ["shape" if name == "size" and operator == "reshape" else name for name in [*given][1:]]
    named = {name: value for name, value in zip(names, rest, strict=True) if name != "memory"}
    return getattr(torch.ops.aten, operator)(first, **named)


def _written(node: Node, numbers: Numbers) -> Tensor:
    whole, part, view = (node.arguments[name] for name in ("whole", "part", "view"))
    target = node.outputs[0]
    assert target is not None
    piece = numbers[part] if isinstance(part, Value) else part
    kind = piece.dtype if whole is None else torch.promote_types(piece.dtype, numbers[whole].dtype)
    made = torch.zeros(target.shape, dtype=kind)
    if whole is not None:
        made.copy_(numbers[whole])
    names = {name: value for name, value in view.arguments.items() if name != "memory"}
    place = getattr(torch.ops.aten, view.operator)(made, **names)
    (place if view.picked is None else place[view.picked]).copy_(piece)
    return made
