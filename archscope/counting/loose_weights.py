"""Weights of which a count shows less than there is: made late, in lists, in memory of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any

import torch
from torch import Tensor, nn

from archscope.results import Note
from archscope.running.attributes import parameters_of
from archscope.running.storages import keys_of

_MANY = 10_000
"""Items of a container beyond which it holds words or numbers, and is not looked into."""


def loose_weight_notes(model: nn.Module) -> Iterator[Note]:
    """Say which weights are not registered, as of layers in a plain list: torch sees none of them.

    No optimizer is given them, no state dict holds them, and nothing moves them to a GPU.
    """
    known = set(map(id, chain(model.modules(), parameters_of(model))))
    loose: dict[int, Tensor] = {}
    places: list[str] = []
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name in _REGISTERED or not isinstance(value, _CONTAINERS) or not len(value):
                continue  # most are the hooks of a module, empty dictionaries
            found = {id(each): each for each in _weights_in(value, known)}
            if found:
                loose |= found
                places.append(f"{path}.{name}" if path else name)
    if places:
        is_one = len(places) == 1
        yield Note(
            level="info",
            text=f"{_listed(places)} {'is a plain container' if is_one else 'are plain containers'}"
            f" of weights, {sum(each.numel() for each in loose.values()):,} elements, which are in "
            "no count of parameters: neither optimizers nor state dicts see them; nn.ModuleList "
            "and nn.ParameterList register them",
        )


def _listed(names: Sequence[str]) -> str:
    few = ", ".join(names[:3])
    return few if len(names) <= 3 else f"{few} and {len(names) - 3} more"


_REGISTERED = frozenset(("_parameters", "_buffers", "_modules"))
_CONTAINERS = (list, tuple, dict, set)


def _weights_in(value: Any, known: set[int], depth: int = 3) -> Iterator[Tensor]:
    """Yield parameters in a container that are no parameters of the network."""
    if isinstance(value, nn.Module):
        if id(value) not in known:
            yield from (each for each in parameters_of(value) if id(each) not in known)
    elif isinstance(value, nn.Parameter):
        if id(value) not in known:
            yield value
    elif depth and isinstance(value, _CONTAINERS) and len(value) <= _MANY:
        for each in value.values() if isinstance(value, dict) else value:
            yield from _weights_in(each, known, depth - 1)


def made_notes(made: Sequence[str]) -> Iterator[Note]:
    """Say which parameters a forward makes, as in layers that are made on first use."""
    if made:
        yield Note(
            level="warning",
            text=f"the forward makes parameters that were not there before ({_listed(made)}), so "
            "these and their gradients are not told in full; run the network once, then ask",
        )


def shared_memory_notes(model: nn.Module) -> Iterator[Note]:
    """Say which parameters lie in the memory of another: each counts, as for an optimizer."""
    names = {id(each): name for name, each in model.named_parameters()}
    places: dict[int, list[Tensor]] = {}
    for each in parameters_of(model):
        if each.layout is torch.strided and not hasattr(each, "__tensor_flatten__"):
            for key in keys_of((each,)):
                places.setdefault(key, []).append(each)
    pairs = []
    for together in places.values():
        together.sort(key=lambda each: each.storage_offset())
        for first, second in pairwise(together):
            if int(second.storage_offset()) * second.element_size() < _end(first):
                pairs.append(f"{names.get(id(second))} in that of {names.get(id(first))}")
    if pairs:
        yield Note(
            level="info",
            text=f"parameters lie in memory of others ({_listed(pairs)}): torch takes each for one "
            "of its own, so all are counted, and so are their bytes",
        )


def _end(tensor: Tensor) -> int:
    """Return the byte of its memory at which a tensor ends."""
    last = sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride(), strict=True))
    return (
        (int(tensor.storage_offset()) + last + 1) * tensor.element_size() if tensor.numel() else 0
    )
