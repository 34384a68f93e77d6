"""How many experts of a mixture one token meets: as its layers state it, and as its forward shows.

Experts stand in a list of modules that are alike, or in parameters that begin with their number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import prod

from torch import nn

from archscope.counting.top_k import CHOICES
from archscope.records import frozen
from archscope.running.attributes import part_of, stated

Choices = Collection[tuple[str, str, int, int]]
"""Path of the module that ran, the operator, of how many it chose, and how many."""
Shapes = Mapping[str, tuple[tuple[int, ...], ...]]
"""Shapes of the tensors that each module was given first, by path."""

_CHOSEN = (
    *("top_k", "num_experts_per_tok", "num_experts_per_token", "experts_per_token", "topk"),
    *("moe_top_k", "moe_topk", "num_selected_experts", "num_selected", "n_activated_experts"),
    *("num_activated_experts", "n_experts_per_tok", "num_active_experts"),
)
"""What layers call the number of experts that a token is sent to."""
_EXPERTS = (
    "num_experts",
    "n_experts",
    "num_local_experts",
    "n_routed_experts",
    "num_experts_local",
)
"""What they call the number of all of them."""


@frozen
class Forward:
    """What a forward pass shows of mixtures."""

    choices: Choices = ()
    shapes: Shapes
    calls: Mapping[str, int]
    """How often each module ran, by path."""


@frozen
class Met:
    """How many of some experts one token meets."""

    experts: int
    chosen: int | None
    """None where that is unknown."""
    why: str = ""
    """Why it is."""


def in_lists(model: nn.Module, forward: Forward | None) -> Iterator[tuple[str, int, Met]]:
    """Yield the path of each routed expert, its place in its list, and how many a token meets."""
    for path, module in model.named_modules():
        experts = [f"{path}.{name}" for name, _ in module._modules.items()]
        met = None
        if path and _are_called_experts(path, module) and _is_list(module):
            met = _met(model, path, module, experts, forward)
        elif path and forward is not None:
            met = _routed(path, module, experts, forward)
        if met is not None:
            yield from ((expert, place, met) for place, expert in enumerate(experts))


def stacked(model: nn.Module, path: str, module: nn.Module, forward: Forward | None) -> Met | None:
    """Return how many experts of a module's own parameters a token meets; None: it holds none.

    They are parameters that all begin with the number of experts: one that the module states, or
    of which its forward chose some.
    """
    own = [parameter for parameter in module._parameters.values() if parameter is not None]
    if not any(each.dim() == 3 for each in own):
        return None  # a router, of which each token uses all
    first = {each.shape[0] if each.dim() > 1 else 0 for each in own}
    if len(first) > 1 or min(first) < 2:
        return None
    (number,) = first
    experts = [stated(module, name) for name in _EXPERTS]
    if any(type(each) is int for each in experts):
        return _met(model, path, module, [path] * number, forward) if number in experts else None
    states_share = stated(module, "active_fraction") is not None
    chosen = set() if forward is None or states_share else _chosen_by(path, number, forward)
    if not chosen:
        return None
    why = f"its forward chose {_words(chosen)} of {number}, and no num_experts is stated"
    return Met(experts=number, chosen=None, why=why)


def _is_list(module: nn.Module) -> bool:
    """Return whether a module is a list of modules that are alike."""
    parts = [part for part in module._modules.values() if part is not None]
    if len(parts) < 2 or any(each is not None for each in module._parameters.values()):
        return False
    return len({*map(type, parts)}) == 1 and len({*map(_shape, parts)}) == 1


def _are_called_experts(path: str, module: nn.Module) -> bool:
    part = next((part for part in module._modules.values() if part is not None), None)
    words = (path.rpartition(".")[2] + type(part).__name__).lower()
    return "expert" in words and "shared" not in words


def _routed(path: str, module: nn.Module, parts: list[str], forward: Forward) -> Met | None:
    """Return how many modules of a list a token meets, by what each was given; None: it meets all.

    The layer around them chose some of as many, and did not give all of its rows to each.
    """
    number, around = len(parts), path.rpartition(".")[0]
    inside = tuple(f"{part}." for part in parts)
    chosen = {
        chosen
        for where, operator, of, chosen in forward.choices
        if of == number and operator in _SURE and _within(where, around)
        if not f"{where}.".startswith(inside)
    }
    if not chosen or "shared" in path.rpartition(".")[2].lower() or not _is_list(module):
        return None
    rows = _rows(forward.shapes.get(around, ()))
    given = [_rows_of_all(part, forward) for part in parts]
    if rows is None or given == [rows] * number:
        return None
    if len(chosen) == 1 and sum(given) == min(chosen) * rows:
        return Met(experts=number, chosen=min(chosen))
    why = f"the layer around them chose {_words(chosen)} of {number}, and gave each some rows alone"
    return Met(experts=number, chosen=None, why=why)


def _rows_of_all(path: str, forward: Forward) -> int:
    """Return the rows of all calls of a module, if each was given as many as the first."""
    return forward.calls.get(path, 0) * (_rows(forward.shapes.get(path, ())) or 0)


def _chosen_by(path: str, number: int, forward: Forward) -> set[int]:
    """Return how many of as many a module chose, or the layer that it is a part of."""
    around = path.rpartition(".")[0]
    return {
        chosen
        for where, operator, of, chosen in forward.choices
        if of == number and operator in _SURE and (where == around or _within(where, path))
    }


_SURE = ("aten::topk", "aten::argmax")
"""Operators that choose; a maximum may be that of a softmax."""


def _shape(module: nn.Module) -> tuple[object, ...]:
    return (type(module), *((name, each.shape) for name, each in module.named_parameters()))


def _met(
    model: nn.Module, path: str, module: nn.Module, experts: list[str], forward: Forward | None
) -> Met:
    number = len(experts)
    around = path.rpartition(".")[0]
    while "expert" in around.rpartition(".")[2].lower():
        around = around.rpartition(".")[0]
    states = _stated(module, part_of(model, around), number)
    if forward is None:
        return _told(number, states, "no layer states it, and no forward ran")
    seen = _seen(around, experts, forward)
    if states and seen and not states & seen:
        why = f"it states {_words(states)}, and its forward chose {_words(seen)}"
        return Met(experts=number, chosen=None, why=why)
    found = states & seen or states or seen
    if not found and _all_meet_all(around, experts, forward.shapes):
        return Met(experts=number, chosen=number)
    return _told(number, found, "no layer states it, and its forward does not choose so many")


def _seen(around: str, experts: list[str], forward: Forward) -> set[int]:
    """Return how many were chosen of as many as there are experts: by the surest operator.

    A maximum may be that of a softmax: it chooses where each row goes to one expert.
    """
    inside = tuple(f"{expert}." for expert in experts)
    seen: dict[str, set[int]] = {}
    for where, operator, of, chosen in forward.choices:
        if of == len(experts) and _within(where, around) and not f"{where}.".startswith(inside):
            seen.setdefault(operator, set()).add(chosen)
    rows = [_rows(forward.shapes.get(expert, ())) for expert in experts]
    if sum(each or 0 for each in rows) != _rows(forward.shapes.get(around, ())):
        seen.pop("aten::max", None)
    return next((seen[operator] for operator in CHOICES if operator in seen), set())


def _told(experts: int, found: set[int], nothing: str) -> Met:
    if len(found) == 1:
        return Met(experts=experts, chosen=next(iter(found)))
    why = f"it may be {_words(found)}" if found else nothing
    return Met(experts=experts, chosen=None, why=why)


def _words(numbers: set[int]) -> str:
    return " or ".join(map(str, sorted(numbers)))


def _stated(module: nn.Module, around: nn.Module, experts: int) -> set[int]:
    """Return what the experts say of the choice, else the layer around them, else its router."""
    for each in (module, around, *around.children()):
        said = (stated(each, name) for name in _CHOSEN)
        found = next((n for n in said if type(n) is int and 0 < n <= experts), None)
        if found is not None:
            return {found}
    return set()


def _within(path: str, around: str) -> bool:
    return not around or path == around or path.startswith(f"{around}.")


def _all_meet_all(around: str, experts: list[str], shapes: Shapes) -> bool:
    """Return whether each expert was given as many rows as the layer that holds them."""
    rows = _rows(shapes.get(around, ()))
    return rows is not None and all(_rows(shapes.get(each, ())) == rows for each in experts)


def _rows(given: tuple[tuple[int, ...], ...]) -> int | None:
    return prod(given[0][:-1]) if given else None
