"""What each operator does, as edges: one file for each kind of operator, with the constant `RULES`.

A rule takes a node and what is known of exact zeros, and returns the edges from the values among
its arguments to its outputs. An operator without a rule is never taken for pointwise: each of its
outputs depends on all of its inputs, and the node is flagged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only

from archscope.dependence.record.element_moves import ranked
from archscope.dependence.record.fixed_elements import fixed
from archscope.dependence.record.graph import READ, UNSEEN, Node, Shape, Value, View
from archscope.dependence.record.masks import mask_of
from archscope.dependence.record.operators import node_name
from archscope.dependence.record.recipes import TRANSFORMS
from archscope.dependence.record.unknown_masks import is_unread
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.sets.steps import Edge, Keep, Reshape, Step, broadcast, everything
from archscope.errors import ArchscopeError
from archscope.records import frozen
from archscope.registry import Registry

Rule = Callable[[Node, Zeros], Iterable[Edge]]
Move = TypeVar("Move", bound=Callable[[Node | View, Shape, Shape], Sequence[Step]])
"""The steps from the one tensor that an operator takes to what it makes, by the shapes of both."""
UNKNOWN = "unknown operator"
DATA = "depends on data"
CHOSEN = "read by Python"
HIDDEN = "out of sight"
UNREAD = "a mask whose values are not known"
CANCELS = "may cancel"


_OF_READS = {READ: CHOSEN, UNSEEN: HIDDEN}


class DataDependentError(Exception):
    """Which elements an operator reads depends on data that is not known.

    It carries the edges that hold whatever the data, where these are less than all.
    """

    flag: str | None = None
    """Why, where that is not the data."""

    def __init__(self, edges: Iterable[Edge] = ()) -> None:
        super().__init__()
        self.edges = tuple(edges)


class MayCancelError(DataDependentError):
    """What an operator reads may cancel with what made it, and how much of it is not known."""

    flag = CANCELS


@frozen
class Lowered:
    """A node as edges."""

    node: Node
    edges: tuple[Edge, ...]
    flag: str
    """Empty, or why the edges are a bound: `UNKNOWN`, `DATA`, `CHOSEN`, `HIDDEN`, `UNREAD` or
    `CANCELS`."""
    masked: tuple[int, ...] = ()
    """Axes of the first output along which a mask that is not known may let less through."""
    copied: frozenset[int] = frozenset()
    """Those of its axes along which there are copies of one element."""

    @property
    def is_tried(self) -> bool:
        """Whether its edges come from running it, with what made its arguments, on numbers."""
        return self.cancels and self.node.operator in TRANSFORMS

    @property
    def cancels(self) -> bool:
        """Whether less is seen than what made its arguments reads: the rest is rounding."""
        own = sources(self.node)
        return not self.flag and any(replace(e.source, part=0) not in own for e in self.edges)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one file, by operator."""

    by_operator: dict[str, Rule] = field(default_factory=dict)

    def of(self, *operators: str) -> Callable[[Rule], Rule]:
        """Register the function that it decorates as the rule of some operators."""

        def register(function: Rule) -> Rule:
            for operator in operators:
                self.by_operator[operator] = function
            return function

        return register

    def moves(self, *operators: str) -> Callable[[Move], Move]:
        """Register the steps of some operators that make their results of one tensor."""

        def register(function: Move) -> Move:
            def rule(node: Node, _: Zeros) -> list[Edge]:
                source, made = (
                    node.arguments.get("self", node.arguments.get("input")),
                    targets(node),
                )
                return edges(source, function(node, shape_of(source), made[0].shape), *made)

            self.of(*operators)(rule)
            return function

        return register


RULE_SETS = Registry("set of rules", "archscope.dependence.rules", "RULES", RuleSet)


@cache
def known_rules() -> Mapping[str, Rule]:
    """Return every rule by operator; raises `ArchscopeError` where two files have one for it."""
    found: dict[str, Rule] = {}
    homes: dict[str, str] = {}
    for name, rules in RULE_SETS.all().items():
        for operator, rule in rules.by_operator.items():
            if operator in homes:
                where = f"{homes[operator]} and {name}"
                raise ArchscopeError(
                    f"operator {operator} has a rule in two sets of rules: {where}"
                )
            found[operator], homes[operator] = rule, name
    return found


_given: dict[str, Rule] = {}


def give(operator: str, rule: Rule) -> None:
    """Register the rule of an operator of somebody's own, by its name with its namespace.

    Raises `ArchscopeError` where it is one of torch's that has a rule already.
    """
    name = node_name(operator)
    if name in known_rules():
        raise ArchscopeError(f"the operator {operator} has a rule already")
    _given[name] = rule


def everywhere(node: Node, _: Zeros) -> list[Edge]:
    """Return edges from everything to each element, as a fact."""
    return mixed(node)


def lower(node: Node, zeros: Zeros) -> Lowered:
    """Return a node as edges."""
    known = known_rules().get(node.operator) or _given.get(node.operator)
    known = known or (pointwise if node.pointwise else None)
    if known is None:
        return Lowered(node=node, edges=tuple(mixed(node)), flag=UNKNOWN)
    try:
        edges = tuple(_along_axes(node, known, zeros))
    except DataDependentError as error:
        flag = _OF_READS.get(node.operator) or error.flag or _reason(node)
        return Lowered(node=node, edges=error.edges or tuple(mixed(node)), flag=flag)
    except Exception:  # a form of the operator that the rule never met
        return Lowered(node=node, edges=tuple(mixed(node)), flag=UNKNOWN)
    first, unread = next(iter(targets(node)), None), zeros.unread
    masked = () if first is None else unread.masked.get(first, ())
    copied = unread.copies.get(first, frozenset()) if first is not None and masked else frozenset()
    is_bound = masked or any(value in unread.bounds for value in node.outputs)
    flag = UNREAD if is_bound else ""
    return Lowered(node=node, edges=edges, flag=flag, masked=masked, copied=copied)


def _along_axes(node: Node, rule: Rule, zeros: Zeros) -> Iterable[Edge]:
    """Return the edges of a node; of one number alone, which torch takes along an axis too, those
    of an axis of one position.
    """
    axes = next((node.arguments[name] for name in _AXES if name in node.arguments), None)
    makes_one = node.operator == "stack"  # of numbers too, which it needs no axis for
    if makes_one or axes in (None, [], ()) or all(value.shape for value in sources(node)):
        return rule(node, zeros)
    values = [*sources(node), *targets(node)]
    whole = {value: Value(value.index, value.shape or (1,)) for value in values}
    given = tree_map_only((Tensor, Value), lambda one: _widened(one, whole), dict(node.arguments))
    outputs = tuple(value and whole[value] for value in node.outputs)
    own = {one: value for value, one in whole.items()}
    try:
        found = rule(replace(node, arguments=given, outputs=outputs), zeros)
    except DataDependentError as error:
        error.edges = tuple(_of_own(edge, own) for edge in error.edges)
        raise
    return [_of_own(edge, own) for edge in found]


_AXES = ("dim", "dims")
"""How operators call the axes that they take."""


def _of_own(edge: Edge, own: Mapping[Value, Value]) -> Edge:
    """Return an edge between values of their own shapes."""
    source, target = own[edge.source], own[edge.target]
    before, after = (
        Reshape(source.shape, edge.source.shape),
        Reshape(edge.target.shape, target.shape),
    )
    return Edge(source, target, (before, *edge.steps, after))


def _widened(argument: Tensor | Value, whole: Mapping[Value, Value]) -> Tensor | Value:
    if isinstance(argument, Value):
        return whole[argument]
    return argument if argument.dim() else argument.reshape(1)


def _reason(node: Node) -> str:
    """Return why it is not known which elements an operator reads."""
    leaves = tree_leaves(dict(node.arguments), is_leaf=lambda leaf: isinstance(leaf, Value))
    return UNREAD if any(map(is_unread, leaves)) else DATA


def sources(node: Node) -> list[Value]:
    """Return the values among a node's arguments."""
    leaves = tree_leaves(dict(node.arguments), is_leaf=lambda leaf: isinstance(leaf, Value))
    return [leaf for leaf in leaves if isinstance(leaf, Value)]


def targets(node: Node) -> list[Value]:
    """Return a node's outputs."""
    return [value for value in node.outputs if value is not None]


def edges(source: Any, steps: Iterable[Step], *outputs: Value | None) -> list[Edge]:
    """Return the same edge to each output, none where the source is a constant."""
    if not isinstance(source, Value):
        return []
    return [Edge(source, target, tuple(steps)) for target in outputs if target is not None]


def from_all(source: Any, *outputs: Value) -> list[Edge]:
    """Return edges by which each element of the outputs depends on all of the source."""
    if not isinstance(source, Value):
        return []
    return [Edge(source, target, everything(source.shape, target.shape)) for target in outputs]


def made_weights(node: Node, target: Value) -> list[Edge]:
    """Return edges from weights and biases that the input makes: each reaches every element."""
    made = (node.arguments.get(name) for name in ("weight", "bias"))
    return [edge for weight in made for edge in from_all(weight, target)]


def mixed(node: Node) -> list[Edge]:
    """Return edges by which each element of all outputs depends on everything."""
    return [edge for source in sources(node) for edge in from_all(source, *targets(node))]


def shape_of(argument: Any) -> Shape:
    """Return the shape of a value or of a constant."""
    return tuple(argument.shape)


def constant(argument: Any) -> Tensor:
    """Return a constant's data; raises `DataDependentError` where it has none."""
    if not isinstance(argument, Tensor) or argument.is_meta:
        raise DataDependentError
    return argument.detach().cpu()


_COPIES = frozenset(("expand", "clone", "_to_copy", "contiguous", "alias", "detach", "lift_fresh"))
"""Operators whose elements are those of one tensor as they are."""
_SCALES = frozenset(("mul", "div", "neg"))
"""Those that leave an element zero that is so, and no other where no constant is a mask."""


def _stays_zero(node: Node) -> bool:
    """Return whether elements are zero where those of the one source are, and nowhere else."""
    if node.operator in _COPIES:
        return True
    constants = node.arguments.values()
    return (
        node.operator in _SCALES
        and len(sources(node)) == 1
        and not any(isinstance(each, Tensor) and mask_of(each) is not None for each in constants)
    )


def pointwise(node: Node, zeros: Zeros) -> list[Edge]:
    """Return edges from each element to the one at its place, after broadcasting.

    There are none to elements that are zero or -inf, or that constants alone say. Copies, scaled or
    not, are zero where what they are of is, and padding among it stays the border.
    """
    found, constants = [], fixed(node, numbers=zeros.numbers)
    for target in targets(node):
        zero = None if _stays_zero(node) else zeros.zero.get(target)
        masks = [zero, zeros.infinite(target)]
        masks += [] if constants is None else [ranked(constants, len(target.shape))]
        if zeros.ranges.constant(target) is not None:
            masks.append(np.ones((1,) * len(target.shape), dtype=np.bool_))
        kept = tuple(Keep(~mask) for mask in masks if mask is not None)
        for source in sources(node):
            found += edges(source, (*broadcast(source.shape, target.shape), *kept), target)
    return found
