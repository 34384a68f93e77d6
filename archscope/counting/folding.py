"""Runs one of several modules that do the same, where only one is to be traced.

Blocks of which torch's dispatcher saw the same operators on as many elements are run once for equal
arguments; the others return empty tensors of the same shapes, and what was counted in the first is
theirs too. What comes of it is held against the dispatcher as ever: where a block does something
that its operators do not show, the counts differ, and all is traced.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from archscope.counting.dispatcher_count import DispatcherCount

_PLAIN = (type(None), bool, int, float, str, torch.dtype, torch.device)
_FEWEST = 3
"""Operators below which a module is traced as quickly as it is told apart."""


class Folding:
    """Which modules of a copy were not run, and what stands for them."""

    def __init__(self, model: nn.Module, count: DispatcherCount) -> None:
        self.copies: list[tuple[str, str]] = []
        """Paths of a module that was not run and of the one that was in its place, as they came."""
        self.given: list[Tensor] = []
        """What those modules were given: work that only they look at is still work."""
        self._first: dict[Any, tuple[str, list[Any], TreeSpec]] = {}
        self.folds = False
        """Whether there are modules that do the same."""
        kinds = _kinds(model, count)
        times = Counter(kinds.values())
        for path, module in model.named_modules():
            if path and times.get(kinds.get(path, -1), 0) > 1:
                self.folds = True
                module.forward = self._folded(path, kinds[path], module.forward)

    def _folded(self, path: str, kind: int, forward: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            passed, arrangement = tree_flatten((args, kwargs))
            key = (kind, _told(passed, arrangement))
            if key in self._first:
                first, leaves, structure = self._first[key]
                self.copies.append((path, first))
                self.given += [leaf for leaf in passed if isinstance(leaf, Tensor)]
                return tree_unflatten([_fresh(leaf) for leaf in leaves], structure)
            result = forward(*args, **kwargs)
            leaves, structure = tree_flatten(result)
            if all(isinstance(leaf, Tensor | None) for leaf in leaves):
                self._first[key] = (path, [_shape(leaf) for leaf in leaves], structure)
            return result

        return run

    def unfold(self, counted: Counter[str]) -> None:
        """Add what was counted in modules that ran to those that they stood for."""
        within: dict[str, list[tuple[str, int]]] = {}
        for path, first in self.copies:
            if first not in within:  # it ended before any stood for it, and so did what is in it
                within[first] = [
                    (at.removeprefix(first), number)
                    for at, number in counted.items()
                    if at == first or at.startswith(f"{first}.")
                ]
            for rest, number in within[first]:
                counted[path + rest] += number


def _kinds(model: nn.Module, count: DispatcherCount) -> dict[str, int]:
    """Return a number for each module that ran once: the same for those that did the same."""
    work: dict[str, list[Any]] = defaultdict(list)
    for (path, operator), tally in count.work.items():
        work[path].append((operator, tally.calls, tally.elements, tally.macs))
    numbers: dict[Any, int] = {}
    found: dict[str, int] = {}
    sizes: dict[str, int] = {}
    modules = dict(model.named_modules())
    for path in reversed(modules):  # submodules come after what they are part of
        module = modules[path]
        inner = [(name, f"{path}.{name}".removeprefix(".")) for name, _ in module.named_children()]
        sizes[path] = len(work[path]) + sum(sizes.get(child, 0) for _, child in inner)
        told = (
            type(module),
            frozenset(work[path]),
            count.calls.get(path, 0),
            count.output_shapes.get(path),
            tuple((name, found.get(child)) for name, child in inner),
        )
        found[path] = numbers.setdefault(told, len(numbers))
    return {
        path: number
        for path, number in found.items()
        if count.calls.get(path) == 1
        and sizes[path] >= _FEWEST
        and not isinstance(modules[path], torch.jit.ScriptModule)
    }


def _told(leaves: list[Any], structure: TreeSpec) -> Any:
    """Return what tells arguments apart: shapes and plain values; of other objects the class."""
    return _as_key(structure), tuple(
        (leaf.shape, leaf.stride(), leaf.dtype, leaf.device)
        if isinstance(leaf, Tensor)
        else leaf
        if isinstance(leaf, _PLAIN)
        else type(leaf)
        for leaf in leaves
    )


def _as_key(structure: TreeSpec) -> Any:
    try:
        hash(structure)
    except TypeError:  # an older torch keeps what is inside in a list
        return repr(structure)
    return structure


def _shape(leaf: Tensor | None) -> Any:
    if leaf is None:
        return None
    return leaf.size(), leaf.stride(), leaf.dtype, leaf.device


def _fresh(told: Any) -> Tensor | None:
    if told is None:
        return None
    size, stride, dtype, device = told
    return torch.empty_strided(size, stride, dtype=dtype, device=device)
