"""Which values a softmax made, multiplied by constants since, and which sums of such.

All along the softmax's axis they are divided by one number: in the quotient of two it cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archscope.dependence.record.graph import Node, Value
from archscope.records import frozen

_KEEPING = frozenset(("clone", "_to_copy", "alias", "detach", "dropout", "native_dropout"))
_SCALING = frozenset(("mul", "masked_fill", "where", "div"))


@frozen
class Share:
    """A value of which every element has one divisor along an axis."""

    scores: Value
    """What the softmax was taken of."""
    axis: int
    summed: Value | None = None
    """What was summed over the axis, where it is such a sum."""


@dataclass(slots=True)
class Shares:
    """The values of which that is known."""

    of: dict[Value, Share] = field(default_factory=dict)

    def learn(self, node: Node) -> None:
        """Take in a node."""
        output, given = node.outputs[0], node.arguments
        if output is None:
            return
        if node.operator in ("_softmax", "_safe_softmax") and isinstance(given["self"], Value):
            axis = given["dim"] % max(len(output.shape), 1)
            self.of[output] = Share(scores=given["self"], axis=axis)
        elif self.of and (made := self._made(node, output)) is not None:
            self.of[output] = made

    def quotient(self, node: Node) -> tuple[Share, Value] | None:
        """Return of which softmax both sides of a quotient are, and what was summed below."""
        one, other = (self._share(node.arguments[name]) for name in ("self", "other"))
        if one is None or other is None or one.summed is not None or other.summed is None:
            return None
        alike = (one.scores, one.axis) == (other.scores, other.axis)
        return (one, other.summed) if alike else None

    def _share(self, argument: Any) -> Share | None:
        return self.of.get(argument) if isinstance(argument, Value) else None

    def _made(self, node: Node, output: Value) -> Share | None:
        source = node.arguments.get("self")
        known = self._share(source)
        if known is None or not isinstance(source, Value):
            return None
        if node.operator in _KEEPING:
            return known
        if known.summed is None and node.operator == "sum":
            over = node.arguments["dim"]
            kept = len(output.shape) == len(source.shape)
            is_own = isinstance(over, Sequence) and [a % len(source.shape) for a in over] == [
                known.axis
            ]
            return replace(known, summed=source) if kept and is_own else None
        scales = node.operator in _SCALING and known.summed is None
        return known if scales and output.shape == source.shape and _is_alone(node) else None


def _is_alone(node: Node) -> bool:
    """Return whether a value is multiplied by constants, or zeros are put into it by one."""
    others = [value for name, value in node.arguments.items() if name != "self"]
    constant = not any(isinstance(value, Value) for value in others)
    filled = node.arguments.get("value", node.arguments.get("other"))
    return constant and (node.operator in ("mul", "div") or (filled == 0) is True)
