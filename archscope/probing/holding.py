"""Holds what some operators made: in later runs they return again what they made in the first.

So a network can be run without its ways through reductions over all positions (squeeze-and-excite,
image-level pooling), whoever wrote it and however: operators are known by the module that runs
them and their number there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from archscope.dependence.answer.examine import Examination
from archscope.dependence.record.graph import Value

Place = tuple[str, str]
"""The path of a module, and the name of an operator that it runs."""


class NotHeldError(Exception):
    """The network ran other operators than were to be held."""


class Held:
    """What was made at chosen places, for inputs of each size."""

    def __init__(self, wanted: dict[Place, frozenset[int]], calls: dict[Place, range]) -> None:
        self._wanted = wanted
        """Which calls at each place, by number."""
        self._calls = calls
        """How many calls there may be at each of these places."""
        self._made: dict[tuple[Place, int, tuple[int, ...]], Any] = {}
        self.hits = 0
        """Calls that were held so far."""

    @contextmanager
    def during(self, module: Callable[[], str]) -> Iterator[None]:
        """Hold within a `with` statement; `module` tells which module is running.

        Raises `NotHeldError` where other operators ran than the graph knows of.
        """
        found: Counter[Place] = Counter()
        with _Replaced(self, module, found), _Detached(self):
            yield
        if any(found[place] not in numbers for place, numbers in self._calls.items()):
            raise NotHeldError

    def output(self, place: Place, number: int, out: Any) -> Any:
        """Return what a call made when it was first run, or what it makes now."""
        if number not in self._wanted.get(place, ()):
            return out
        self.hits += 1
        shape = tuple(out.shape) if isinstance(out, Tensor) else ()
        return self._made.setdefault((place, number, shape), out)


class _Replaced(TorchDispatchMode):
    def __init__(self, held: Held, module: Callable[[], str], found: Counter[Place]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._held, self._module, self._found = held, module, found

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        place = (self._module(), func._schema.name.partition("::")[2].rstrip("_"))
        self._found[place] += 1
        return self._held.output(place, self._found[place], out)


class _Detached(TorchFunctionMode):
    """Keeps gradients from what is held: the function around it passes none."""

    def __init__(self, held: Held) -> None:
        super().__init__()
        self._held = held

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = self._held.hits
        out = func(*args, **(kwargs or {}))
        if self._held.hits == before:
            return out
        return tree_map(lambda leaf: leaf.detach() if isinstance(leaf, Tensor) else leaf, out)


def held_reductions(exam: Examination, target: Value) -> Held | None:
    """Return what holds all reductions over all positions before a value; None where some cannot
    be held.

    A normalisation over positions also carries each position on: it cannot be held alone.
    """
    wanted: dict[Place, set[int]] = {}
    calls: Counter[Place] = Counter()
    before: Counter[Place] | None = None
    cuts, local = exam.dependences.cut, {exam.seed}
    for each in exam.lowered:
        place = (each.node.module, each.node.operator)
        calls[place] += 1
        edges = [edge for edge in each.edges if edge.source in local]
        local.update(edge.target for edge in edges if edge not in cuts)
        held = [edge in cuts for edge in edges]
        if before is None and any(held):
            if not all(held):
                return None
            wanted.setdefault(place, set()).add(calls[place])
        if before is None and target in each.node.outputs:
            before = calls.copy()
    least = calls if before is None else before
    numbers = {place: frozenset(found) for place, found in wanted.items()}
    return Held(numbers, {place: range(least[place], calls[place] + 1) for place in numbers})
