"""Where a mask was met whose values are not known: more may be cut off than is said.

A constant on shapes alone that is no weight may be any mask, and a mask may be too large to be
followed. Then what an operator looks at is a bound, and so is what a mask leaves where it takes
elements by their positions. A parameter is learned and no mask; a factor that is alike at all
positions (a scale of features, stored statistics) cuts off none. A table of positions that is added
is no mask either, so what is added counts where a softmax makes weights of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from archscope.dependence.record.element_moves import MOVING
from archscope.dependence.record.graph import WRITE, Node, Value

_MADE_WEIGHTS = frozenset(("_softmax", "_safe_softmax", "exp", "sigmoid", "_log_softmax"))
_ADDED = frozenset(("add", "sub", "rsub", "baddbmm"))
_MIXING = frozenset(
    (
        *("mm", "bmm", "matmul", "addmm", "baddbmm", "convolution", "_convolution", "linear"),
        *("mv", "addmv", "dot", "_sparse_addmm", "addbmm"),
    )
)
"""Operators in which a constant that is zero lets nothing through."""
_CHOOSING = {"masked_fill": "mask", "where": "condition", "masked_scatter": "mask"}
"""Operators that take one of two at each place, and what they call that which says which."""
_SCALING = {"mul": ("self", "other"), "addcmul": ("tensor1", "tensor2"), "lerp": ("weight",)}
"""Operators by elements of which a factor of zero lets nothing through."""
_ATTENTION = "scaled_dot_product"
_BROADCASTING = frozenset(("expand", "clone", "where", "masked_fill", "_to_copy", "dropout"))
"""Operators that copy what there is one of along an axis, beside those by elements."""
_SAME = frozenset(
    (
        *("clone", "alias", "detach", "contiguous", "_to_copy", "dropout", "native_dropout"),
        *("where", "masked_fill", "nan_to_num", "copy", "cat", "stack", WRITE, *MOVING),
        *("transpose", "permute", "t", "unsqueeze"),
    )
)
"""Operators in which no element looks at another, beside those by elements."""


@dataclass(slots=True)
class Unread:
    """The values of which more may be zero, or blocked, than is known."""

    cut: set[Value] = field(default_factory=set)
    """Values of which more elements may be constant."""
    scores: set[Value] = field(default_factory=set)
    """Values of which a softmax may make more elements zero."""
    bounds: set[Value] = field(default_factory=set)
    """Values whose operator may look at less than its rule says."""
    masked: dict[Value, tuple[int, ...]] = field(default_factory=dict)
    """Values of which a mask may cut elements off by their place along some axes: those axes."""
    copies: dict[Value, frozenset[int]] = field(default_factory=dict)
    """Values of which all along some axes are copies of one, as behind a mean: those axes."""

    def learn(self, node: Node, *, lost: bool) -> None:
        """Take in a node; `lost` says that what was known of its sources was too large to keep."""
        outputs = [value for value in node.outputs if value is not None]
        sources = set(_values(node))
        scored = bool(sources & self.scores)
        cut = lost or bool(sources & self.cut) or self._cuts(node)
        for value in outputs[:1]:
            if axes := _masked_along(node, value):
                self.masked[value] = axes
            if copied := self._copied_along(node, sources, value):
                self.copies[value] = copied
        looks = not node.pointwise and node.operator not in _SAME
        if looks and (cut or (scored and node.operator in _MADE_WEIGHTS)):
            self.bounds.update(outputs)
        if cut or (scored and node.operator in _MADE_WEIGHTS):
            self.cut.update(outputs)
        if lost or (scored and not looks) or self._scores(node):
            self.scores.update(outputs)

    def _copied_along(self, node: Node, sources: set[Value], output: Value) -> frozenset[int]:
        """Return along which axes each source of a value has one position, or copies of one."""
        if not node.pointwise and node.operator not in _BROADCASTING:
            return frozenset()
        rank = len(output.shape)
        along = {axis for axis, size in enumerate(output.shape) if size > 1}
        for source in sources:
            first = rank - len(source.shape)
            own = self.copies.get(source, frozenset())
            sizes = enumerate(source.shape)
            along -= {first + axis for axis, size in sizes if size > 1 and axis not in own}
        return frozenset(along)

    def _cuts(self, node: Node) -> bool:
        """Return whether a constant that is not known may cut off elements of a value."""
        given, operator = node.arguments, node.operator
        if operator in _CHOOSING:
            return is_unread(given[_CHOOSING[operator]])
        if operator == "mul":
            output, pair = node.outputs[0], (given["self"], given["other"])
            return output is not None and any(
                is_unread(one) and _is_like_a_mask(one, output) for one in pair
            )
        if operator.startswith(_ATTENTION) or operator.startswith("_" + _ATTENTION):
            return any(is_unread(given.get(name)) for name in ("attn_mask", "attn_bias"))
        return operator in _MIXING and any(map(is_unread, _constants(node)))

    @staticmethod
    def _scores(node: Node) -> bool:
        names = ("self",) if node.operator == "baddbmm" else ("self", "other")
        return node.operator in _ADDED and any(is_unread(node.arguments[n]) for n in names)


def is_unread(argument: Any) -> bool:
    """Return whether an argument is a constant that may be any mask."""
    return (
        isinstance(argument, Tensor) and argument.is_meta and not isinstance(argument, nn.Parameter)
    )


def _is_like_a_mask(constant: Tensor, output: Value) -> bool:
    """Return whether a factor has a number of its own for each pair, as a mask of scores has."""
    if not constant.is_floating_point():
        return True
    last = tuple(constant.shape[-2:])
    return len(last) == 2 and 1 not in last and last == output.shape[-2:]


def _masked_along(node: Node, output: Value) -> tuple[int, ...]:
    """Return along which axes a constant that is not known differs, which may cut off elements."""
    name = _CHOOSING.get(node.operator)
    names = _SCALING.get(node.operator, ()) if name is None else (name,)
    masks = [mask for name in names if is_unread(mask := node.arguments[name])]
    rank = len(output.shape)
    return tuple({rank - mask.dim() + n for mask in masks for n in _uneven(mask)})


def _uneven(mask: Tensor) -> list[int]:
    return [axis for axis, size in enumerate(mask.shape) if size > 1]


def _constants(node: Node) -> list[Tensor]:
    names = ("self", "mat1", "mat2", "batch1", "batch2", "weight", "other", "vec", "mat", "input")
    return [a for n in names if isinstance(a := node.arguments.get(n), Tensor)]


def _values(node: Node) -> Iterator[Value]:
    leaves = tree_leaves(dict(node.arguments), is_leaf=lambda leaf: isinstance(leaf, Value))
    yield from (leaf for leaf in leaves if isinstance(leaf, Value))
