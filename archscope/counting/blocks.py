"""How many blocks a network repeats: one of the meanings of depth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import prod

from torch import nn

from archscope.running.attributes import part_of

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def count_blocks(model: nn.Module, repeats: Mapping[str, int]) -> int | None:
    """Return the number of blocks, or None where no class of module repeats.

    ResNet-50 has 16 (Bottleneck), GPT-2 small has 12, T5 small 6 + 6.
    """
    return sum(_copies(path, repeats) for path in repeated_blocks(model, repeats)) or None


def repeated_blocks(model: nn.Module, repeats: Mapping[str, int]) -> list[str]:
    """Return the paths of a network's blocks, in order.

    A block is a module that has submodules, is no mere container, and whose class occurs more than
    once; of nested ones the outermost counts that is not itself a stack of blocks. Where none
    occurs more than once, those of a `ModuleList` are: a stack may be one block high.
    `repeats` maps the path of a block that stands for several, or runs several times, to their
    number.
    """
    candidates = [
        (path, type(module), _copies(path, repeats))
        for path, module in model.named_modules()
        if path and _is_composite(module) and not _is_stack(path, module, repeats)
    ]
    times: Counter[type] = Counter()
    for _, kind, copies in candidates:
        times[kind] += copies
    repeated = [path for path, kind, _ in candidates if times[kind] > 1 or path in repeats]
    listed = (path for path, _, _ in candidates if _is_listed(model, path))
    return _outermost(repeated or listed)


def _outermost(paths: Iterable[str]) -> list[str]:
    outermost: list[str] = []
    for path in paths:
        if not any(path.startswith(other + ".") for other in outermost[-1:]):
            outermost.append(path)
    return outermost


def _is_listed(model: nn.Module, path: str) -> bool:
    return isinstance(part_of(model, path.rpartition(".")[0]), nn.ModuleList)


def _copies(path: str, repeats: Mapping[str, int]) -> int:
    """Return for how many modules one stands, by itself and within those that it is part of."""
    parts = path.split(".")
    return prod(repeats.get(".".join(parts[: end + 1]), 1) for end in range(len(parts)))


def _is_stack(path: str, module: nn.Module, repeats: Mapping[str, int]) -> bool:
    """Return whether a container inside holds two modules of one class that have submodules.

    Both may be one that stands for several.
    """
    for within, inside in module.named_modules(prefix=path):
        if isinstance(inside, _CONTAINERS):
            times: Counter[type] = Counter()
            for name, child in inside.named_children():
                if _is_composite(child):
                    times[type(child)] += repeats.get(f"{within}.{name}", 1)
            if max(times.values(), default=0) > 1:
                return True
    return False


def _is_composite(module: nn.Module) -> bool:
    return not isinstance(module, _CONTAINERS) and next(module.children(), None) is not None


def reruns(model: nn.Module, calls: Mapping[str, int]) -> dict[str, int]:
    """Return how often each block of a list ran that ran more than once, by path."""
    return {path: times for path, times in calls.items() if times > 1 and _is_listed(model, path)}
