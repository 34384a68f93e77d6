"""What is known of an operator before it runs: its class, its formula, and whose that is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from archscope.counting.custom import custom
from archscope.counting.estimates import ESTIMATES
from archscope.counting.formulas import FORMULAS
from archscope.counting.layouts import Formula
from archscope.counting.operators import (
    FACTORIES,
    NONLINEAR,
    UNINITIALISED,
    OperatorClass,
    classify,
    classify_torch,
    name_of,
)


@dataclass(frozen=True, slots=True)
class Operator:
    """One overload of an operator of torch."""

    name: str
    """With its namespace and without its overload, e.g. `aten::addmm`."""
    kind: OperatorClass
    formula: Formula | None
    """Gives its multiply-accumulates; None where it has none, or nobody knows."""
    source: str = ""
    """Whose formula it is, where it is not archscope's own."""
    nonlinear: bool = False
    composite: bool = False
    """Whether it is made of other operators, which are counted each."""
    view: bool = False
    factory: bool = False
    """Whether it may take a tensor for its shape alone."""
    uninitialised: bool = False
    """Whether it makes memory without values."""


def operator_of(func: Any) -> Operator:
    """Return what is known of what torch's dispatcher runs.

    What is unknown of torch itself is asked anew each time: somebody may give a formula meanwhile.
    """
    name = name_of(func)
    known = name.startswith("aten::") and classify_torch(name) != "unknown"
    return _of_torch(func, name) if known else _operator(func, name)


def _operator(func: Any, name: str) -> Operator:
    kind, formula, source = classify(name), FORMULAS.get(name), ""
    if formula is None and classify_torch(name) == "unknown" and (theirs := custom(name)):
        formula, source = theirs.macs, theirs.source
    is_overload = isinstance(func, torch._ops.OpOverload)
    composite = is_overload and func.has_kernel_for_dispatch_key(
        torch._C.DispatchKey.CompositeImplicitAutograd
    )
    return Operator(
        name=name,
        # An operator that multiplies, but that no formula knows, must not pass for zero.
        kind="unknown" if formula is None and _needs_formula(name, kind) else kind,
        formula=formula,
        source=source,
        nonlinear=name.removeprefix("aten::") in NONLINEAR,
        composite=composite and not source,
        view=(is_overload and func.is_view) or name == "aten::_unsafe_view",
        factory=name in FACTORIES,
        uninitialised=name in UNINITIALISED,
    )


_of_torch = cache(_operator)


def _needs_formula(name: str, kind: OperatorClass) -> bool:
    return kind == "multiply-accumulate" or (kind == "estimated" and name not in ESTIMATES)
