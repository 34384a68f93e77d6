"""What a tool's own formula for a kind of module is made of, term by term, at each call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from archscope.counting.others import PRODUCTS
from archscope.running.module_stack import paths_of

Rule = Callable[[Any, tuple[Any, ...], Any], Mapping[str, int]]
"""Takes a module, the inputs and the output of a call; returns the terms of that call."""
ADDED_BIASES = "biases are added"


@contextmanager
def noted_terms(
    model: nn.Module, rules: Mapping[str, Rule]
) -> Iterator[Mapping[str, Mapping[str, int]]]:
    """Yield the terms of all calls of the modules that have a rule, by path, then by term.

    `rules` are found by the name of a module's class.
    """
    paths = paths_of(model)
    found: dict[str, Counter[str]] = {}

    def note(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        rule, path = rules.get(type(module).__name__), paths.get(id(module))
        if rule is None or path is None:
            return
        try:
            terms = rule(module, args, output)
        except (AttributeError, IndexError, TypeError, ValueError):
            return  # a class of the user's of the same name, or a call that the tool fails at
        found.setdefault(path, Counter()).update(terms)

    handle = register_module_forward_hook(note)
    try:
        yield found
    finally:
        handle.remove()


def recurrent_terms(
    module: Any, rows: int, *, counted: int, biases: int, elementwise: int
) -> Mapping[str, int]:
    """Return the terms of one call of a recurrent layer, from a tool's figures for one row.

    `rows` meet the weights in a call; `counted` are the weights that the tool multiplies them by.
    """
    weights = sum(p.numel() for p in module.parameters() if p.ndim > 1)
    kind = type(module).__name__
    found = {
        PRODUCTS: rows * weights,
        ADDED_BIASES: rows * biases,
        f"elementwise work in {kind} is added": rows * elementwise,
    }
    if getattr(module, "proj_size", 0):
        found[f"the projection of the output of {kind} is not counted as such"] = rows * (
            counted - weights
        )
    return found
