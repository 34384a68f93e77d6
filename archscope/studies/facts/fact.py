"""A published fact: its claim, and what recomputes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, get_args

from archscope.records import frozen

Basis = Literal[
    "published", "published, includes a measurement", "measured", "output of a tool", "derived"
]
"""Where the value comes from: its authors print it; they do, and it holds something that they
measured; it was measured with torch; another tool prints it; it follows from other facts."""
BASES: tuple[str, ...] = get_args(Basis)
Number = int | float


@frozen
class Formula:
    """A function of `archscope.theory`, and what it is called with."""

    name: str
    """Module and function, e.g. `scaling.optimal_parameters`."""
    inputs: Mapping[str, Any]
    """Its arguments by name: numbers, texts, lists, or what computes them."""
    read: str = ""
    """The field of its answer that is meant; empty: the answer itself."""

    def __str__(self) -> str:
        return f"{self.name}.{self.read}" if self.read else self.name


@frozen
class Measured:
    """What is measured of a network: in closed form where its family tells it, else built."""

    model: str
    """Whatever MODEL can be, e.g. `gpt2`."""
    measure: str
    """What is measured: `archscope list measures`."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Fields of its spec."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the analysis that measures."""
    built: bool = False
    """Whether the network itself is counted or run, even where a closed form tells the same."""

    def __str__(self) -> str:
        return f"{self.measure} of {self.model}"


@frozen
class Combined:
    """Several numbers as one."""

    by: Literal["sum", "product", "ratio"]
    terms: tuple[Any, ...]
    """Two of a ratio."""

    def __str__(self) -> str:
        return f"{self.by} of {', '.join(str(term) for term in self.terms)}"


@frozen
class Fact:
    """One published fact."""

    id: str
    """What the user types, e.g. `kv-deepseek-v3`."""
    subject: str
    """What it is about: the name of its file, e.g. `kv`."""
    claim: str
    """What is claimed, in a sentence."""
    computes: Any
    """What computes it: `Formula`, `Measured`, `Combined`."""
    value: Number
    """What is claimed, in `unit`."""
    unit: str
    """E.g. `GiB`; see `units`."""
    tolerance: float
    """Relative error up to which it holds: what rounding and measuring leave open."""
    source: str
    """Where it is printed."""
    basis: Basis
    printed: str = ""
    """As it is printed, e.g. `6.7B`, where it holds if rounding to those digits gives it."""
    trap: str = ""
    """How it is easily got wrong."""
    reason: str = ""
    """Why it differs from what is computed, where it is known to."""
