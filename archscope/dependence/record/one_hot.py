"""Values that are zero but where data says so: one-hot numbers, as routing makes them.

A product with such a value reads the rows that data chose; that it reads all is a bound.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from archscope.dependence.record.element_moves import MOVING
from archscope.dependence.record.graph import Node, Value

_KEEPING = frozenset(
    ("_to_copy", "mul", "clone", "unsqueeze", "permute", "transpose", "t", "bitwise_and", *MOVING)
)


@dataclass(slots=True)
class Chosen:
    """The values of which data says where they are other than zero."""

    values: set[Value] = field(default_factory=set)

    def learn(self, node: Node, zero: Container[Value]) -> None:
        """Take in a node; `zero` are the values of which some elements are known to be zero.

        Where they are, their sum with chosen ones is what was chosen, as of a straight-through
        estimator of masked weights.
        """
        keeps = node.operator in _KEEPING
        keeps = keeps or (node.operator in ("add", "sub") and any(v in zero for v in _both(node)))
        if _is_one_hot(node) or (keeps and self._has(node)):
            self.values.update(value for value in node.outputs if value is not None)

    def _has(self, node: Node) -> bool:
        return any(isinstance(one, Value) and one in self.values for one in node.arguments.values())


def _both(node: Node) -> list[Value]:
    both = (node.arguments["self"], node.arguments["other"])
    return [one for one in both if isinstance(one, Value)]


def _is_one_hot(node: Node) -> bool:
    """Return whether numbers become the places of ones, as torch writes it on shapes or on data."""
    given = node.arguments
    if node.operator == "one_hot":
        return True
    if node.operator == "eq":
        return _is_table(given["other"]) and isinstance(given["self"], Value)
    if node.operator in ("scatter", "scatter_add"):
        return isinstance(given["self"], Tensor) and isinstance(given["index"], Value)
    return False


def _is_table(argument: Any) -> bool:
    return isinstance(argument, Tensor) and argument.numel() > 1
