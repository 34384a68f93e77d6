"""The operators that one forward pass ran, without writes: each value is made once.

A tensor that depends on the studied input is a `Value`; every other tensor (weights, masks,
positions) stays a tensor among a node's arguments, so that rules can read what it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archscope.records import frozen

Shape = tuple[int, ...]
WRITE = "write"
"""Operator of a node that puts a `part` into a `whole` (None where that held constants: the
`constant`); `view` is the `View` that the part is of it."""
PARTS = (1, 2)
"""The real and the imaginary part of complex numbers; 0 is both."""
READ = "read"
"""Operator of a node whose `self` a module returned after its forward had read numbers out of
`values`: control flow over them, and what is made of them, may be in it."""


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor that depends on the studied input."""

    index: int
    """Its number, in the order in which values were made."""
    shape: Shape
    part: int = 0
    """Of complex numbers, which of `PARTS` it holds alone; 0: all there is."""


UNSEEN = "unseen"
"""Operator of a node into which numbers of `values` come by a way that no operator shows."""


@frozen
class View:
    """How one tensor is a view of another."""

    operator: str
    arguments: Mapping[str, Any]
    """All but the tensor that it is a view of, which goes by `self`."""
    picked: int | None
    """Which of several parts; None: it is the only one."""


@frozen
class Node:
    """One operator that made values of others."""

    operator: str
    """Its name without namespace, overload and trailing underscore, e.g. `convolution`."""
    arguments: Mapping[str, Any]
    """Every argument by its name, defaults too; values stand for tensors that depend on the
    input."""
    outputs: tuple[Value | None, ...]
    """What it returned; None for what is not a tensor."""
    picked: int | None
    """Which of several parts `outputs` holds alone (split, unbind); None: all that it returned."""
    module: str
    """Dotted path of the module whose forward ran it."""
    pointwise: bool
    """Whether torch itself says that each output element needs only the elements at its place."""
    constants: tuple[int, ...] = ()
    """Checksums of the constants among its arguments before it ran, where that was on data."""


@frozen
class Read:
    """Numbers that Python read out of a tensor."""

    value: Value
    """The tensor."""
    is_one: bool
    """Whether it was one number, which can be altered to see what it is for."""


@frozen
class Call:
    """One finished call of a module."""

    path: str
    """Dotted path; empty for the model itself."""
    kind: str
    """The module's class, e.g. `Conv2d`."""
    number: int
    """1 for the first call of this module, 2 for the second."""
    inputs: tuple[Value, ...]
    """The values among its arguments."""
    outputs: tuple[Value, ...]
    """The values among its results."""
    nodes: tuple[int, int]
    """The nodes that ran inside: index of the first, and of the first after."""


@dataclass(slots=True, kw_only=True)
class Graph:
    """All that ran, as far as the forward got; written by `capture`, only read after."""

    inputs: dict[str, Value] = field(default_factory=dict)
    """The studied inputs by their place among the arguments."""
    nodes: list[Node] = field(default_factory=list)
    """In the order in which they ran."""
    calls: list[Call] = field(default_factory=list)
    """Modules in the order in which their calls finished."""
    outputs: dict[str, Value] = field(default_factory=dict)
    """What the model returned, by place; tensors that do not depend on the input are left out."""
    constants: dict[str, tuple[Shape, int]] = field(default_factory=dict)
    """Shapes and checksums of the other tensors that it returned, by place, of a run on data."""
    padding: int | None = None
    """The token that is padding, where the forward asked which tokens are and was told: none."""
    failure: Exception | None = None
    """What the forward raised, if it did."""
    reads: list[Read] = field(default_factory=list)
    """What Python read numbers out of, in order."""
    complex_values: set[Value] = field(default_factory=set)
    """Those of complex numbers."""
    executed: str = "shapes"
    """`shapes`: without data; `data`: for real."""
    operators: int = 0
    """How many ran, those of constants among them."""
    largest_constant: int = 0
    """Elements of the largest tensor that has data and does not depend on the input."""
