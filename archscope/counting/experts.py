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


@frozen
class Forward:
    """What a forward pass shows of mixtures."""

    choices: Choices = ()
    shapes: Shapes


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
        if path and _is_list(path, module):
            experts = [f"{path}.{name}" for name in module._modules]
            met = _met(model, path, module, experts, forward)
            yield from ((expert, place, met) for place, expert in enumerate(experts))


def stacked(model: nn.Module, path: str, module: nn.Module, forward: Forward | None) -> Met | None:
    """Return how many experts of a module's own parameters a token meets; None: it holds none.

    They are parameters that all begin with the number of experts which the module states.
    """
    experts = stated(module, "num_experts")
    own = [parameter for parameter in module._parameters.values() if parameter is not None]
    if type(experts) is not int or experts < 2 or not own:
        return None
    if any(each.dim() < 2 or each.shape[0] != experts for each in own):
        return None
    if not any(each.dim() == 3 for each in own):
        return None  # a router, of which each token uses all
    return _met(model, path, module, [path] * experts, forward)


def _is_list(path: str, module: nn.Module) -> bool:
    """Return whether a module is a list of experts that are alike, and not of shared ones."""
    parts = [part for part in module._modules.values() if part is not None]
    if len(parts) < 2 or any(each is not None for each in module._parameters.values()):
        return False
    words = (path.rpartition(".")[2] + type(parts[0]).__name__).lower()
    return "expert" in words and "shared" not in words and len({*map(_shape, parts)}) == 1


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
