"""Formulas of operators that are not torch's own: one file for each library, with `FORMULAS`.

Three places hold them, and the first that has one counts: what `archscope.operator` was given,
torch's own registry (`torch.utils.flop_counter.register_flop_formula`, two FLOPs for each
multiply-accumulate), and the files of this folder with those of other packages. They are asked
while a network is counted, so that one registered later counts too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from archscope.counting.layouts import Formula
from archscope.errors import ArchscopeError
from archscope.registry import Registry

Made = TypeVar("Made", bound=Formula)
Shapes = Callable[..., Any]
"""The shape of an operator's output, or of each of several, by its arguments."""
YOURS = "a formula of yours"


def no_products(*_: Any, **__: Any) -> int:
    """Work that is no multiply-accumulate: an element at a time, or moving."""
    return 0


@dataclass(frozen=True, slots=True)
class FormulaSet:
    """The formulas of one file, by operator, called as `formula(*args, result=..., **kwargs)`."""

    by_operator: dict[str, Formula] = field(default_factory=dict)

    def of(self, *operators: str) -> Callable[[Made], Made]:
        """Register the function that it decorates as the multiply-accumulates of operators."""

        def register(formula: Made) -> Made:
            self.by_operator.update(dict.fromkeys(operators, formula))
            return formula

        return register


FORMULA_SETS = Registry("formula set", "archscope.counting.custom", "FORMULAS", FormulaSet)


@dataclass(frozen=True, slots=True)
class Custom:
    """How an operator that is not torch's own is counted."""

    macs: Formula
    source: str
    """Whose formula it is, in words."""


_given: dict[str, Formula] = {}
_shapes: dict[str, Shapes] = {}


def give(name: str, macs: Formula) -> None:
    """Register what an operator costs."""
    _given[name] = macs


def give_shapes(name: str, shapes: Shapes) -> None:
    """Register what an operator makes, where it has no kernel for shapes."""
    if name not in _shapes:  # torch takes one for each name, which finds the newest here
        torch.library.register_fake(name, lambda *args, **kwargs: _fake(name, args, kwargs))
    _shapes[name] = shapes


def custom(name: str) -> Custom | None:
    """Return how an operator is counted by its name with namespace; None where nobody says.

    None too for one that runs as its parts: these are counted, and it is never met as a whole. Not
    so one of a library's in C++, whose parts are its kernel's: a formula of a file tells of it.
    """
    parts = is_composite(name)
    if name in _given and not parts:
        return Custom(_given[name], YOURS)
    packet = _packet(name)
    if packet in flop_registry and not parts:
        return Custom(_halved(flop_registry[packet]), YOURS)
    return _of_sets().get(name)


def is_composite(name: str) -> bool:
    """Return whether torch runs an operator as others that it is made of."""
    packet, key = _packet(name), torch._C.DispatchKey.CompositeImplicitAutograd
    if packet is None:
        return False
    forms = (getattr(packet, overload) for overload in packet.overloads())
    # Some are known to TorchScript alone, and of these torch tells no kernels.
    known = (form for form in forms if torch._C._dispatch_has_kernel(form.name()))
    return any(form.has_kernel_for_dispatch_key(key) for form in known)


def composite_of(func: Any) -> Any:
    """Return the overload that a function is where a file has a formula for its parts as a whole.

    torch takes such an operator apart before its dispatcher is asked.
    """
    if isinstance(func, torch._ops.OpOverloadPacket):
        func = getattr(func, func.overloads()[0])
    if not isinstance(func, torch._ops.OpOverload):
        return None
    name = str(func._schema.name)
    return func if name in _of_sets() and is_composite(name) else None


def _packet(name: str) -> Any:
    namespace, _, operator = name.partition("::")
    packet = getattr(getattr(torch.ops, namespace, None), operator, None) if operator else None
    return packet if isinstance(packet, torch._ops.OpOverloadPacket) else None


def answer(
    formula: Formula, args: Any, kwargs: Mapping[str, Any], result: Any
) -> tuple[int | None, str]:
    """Return what a formula says; None with the reason where that is no whole number."""
    try:
        found = formula(*args, result=result, **kwargs)
        if found is not None and found >= 0 and int(found) == found:
            return int(found), ""
    except Exception as error:
        return None, f"its formula raised {type(error).__name__}: {error}"
    return None, f"its formula returned {found}, which is not a number of multiply-accumulates"


@cache
def _of_sets() -> Mapping[str, Custom]:
    found: dict[str, Custom] = {}
    for name, formulas in FORMULA_SETS.all().items():
        source = f"the formula of {name}"
        for operator, formula in formulas.by_operator.items():
            if operator in found:
                where = f"{found[operator].source} and {source}"
                raise ArchscopeError(f"operator {operator} has two formulas: {where}")
            found[operator] = Custom(formula, source)
    return found


def _halved(flops: Callable[..., Any]) -> Formula:
    def macs(*args: Any, result: Any, **kwargs: Any) -> int:
        return int(flops(*args, **kwargs, out_val=result)) // 2

    return macs


def _fake(name: str, args: Any, kwargs: Any) -> Any:
    like = next(leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor))
    shapes = _shapes[name](*args, **kwargs)
    if all(isinstance(size, int | torch.SymInt) for size in shapes):
        return like.new_empty(tuple(shapes))
    return tuple(like.new_empty(tuple(shape)) for shape in shapes)
