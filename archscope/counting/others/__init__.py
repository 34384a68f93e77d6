"""Other programs that count, each as it ships: one file each, with the constant `TOOL`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from archscope.registry import Registry
from archscope.running.module_stack import outwards
from archscope.subject import Inputs

PRODUCTS = ""
"""The term that is the products themselves; others are what a formula adds, by reason."""
ByModule = Mapping[str, Mapping[str, int]]
"""Multiply-accumulates of each module's own work: by path, then by the tool's word for the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a tool says of one network, its work converted to multiply-accumulates."""

    params: int | None
    """Parameters, in the tool's own sense; None where it counts none."""
    macs: int
    """Multiply-accumulates."""
    modules: ByModule = field(default_factory=dict)
    """The same by module; what is missing to the sum, the tool has outside of all modules."""
    params_of_modules: Mapping[str, int] | None = None
    """Parameters by path of the module that holds them; None where the tool does not tell."""
    terms: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Of modules that the tool has a formula for: what that is made of, by path, then by reason;
    under an empty reason, the products alone."""
    taken_off: Mapping[str, int] = field(default_factory=dict)
    """What it takes off the sum of its modules, by reason."""
    closed: tuple[str, ...] = ()
    """Paths of modules whose parts it leaves out."""
    skipped: tuple[str, ...] = ()
    """Operators that ran and that the tool does not know; empty where it tells none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Another program that counts."""

    name: str
    """What people call it."""
    package: str
    """What it is imported as, and installed as."""
    convention: str
    """What its number is, and how it became multiply-accumulates."""
    count: Callable[[nn.Module, Inputs], Figures]
    """Counts one forward pass of a copy that it may spoil; raises whatever the tool raises."""
    work: frozenset[str] = frozenset()
    """Its words for work that is multiply-accumulates; empty where it has no words."""
    traces: bool = False
    """Whether it goes by the operators of a trace of torch's, which `work` names."""
    on_shapes: bool = True
    """Whether its figures are the same where a network has no data."""
    order: int = 100
    """Place among the others: lower comes first."""


TOOLS = Registry("counter", "archscope.counting.others", "TOOL", Tool)


def tools() -> tuple[Tool, ...]:
    """Return every other counter, in the order in which they are shown."""
    return tuple(sorted(TOOLS.all().values(), key=lambda tool: (tool.order, tool.name)))


class Unfit(Exception):  # noqa: N818
    """The tool cannot be called with such inputs."""


_BY_NAME_ALONE = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)


def positional(model: nn.Module, inputs: Inputs, tool: str) -> tuple[Any, ...]:
    """Return all inputs by place, for a tool that takes no keyword arguments."""
    if not inputs.kwargs:
        return inputs.args
    call = inspect.signature(model.forward).bind(*inputs.args, **inputs.kwargs)
    given = list(call.arguments)
    kinds = {name: call.signature.parameters[name].kind for name in given}
    only = [name for name in given if kinds[name] in _BY_NAME_ALONE]
    if only:
        raise Unfit(f"{tool} takes no keyword arguments, and {', '.join(only)} is one")
    call.apply_defaults()  # those between two that are given
    return call.args[: list(call.arguments).index(given[-1]) + 1]


def own(inclusive: ByModule) -> dict[str, dict[str, int]]:
    """Return each module's own work, from figures that hold that of its submodules too."""
    found = {path: dict(work) for path, work in inclusive.items()}
    for path, work in inclusive.items():
        parent = next((outer for outer in outwards(path) if outer in inclusive), None)
        if parent is not None:
            for word, macs in work.items():
                found[parent][word] = found[parent].get(word, 0) - macs
    return {path: {w: n for w, n in work.items() if n} for path, work in found.items()}
