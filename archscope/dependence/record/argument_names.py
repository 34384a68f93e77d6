"""Names the tensors among the arguments of a forward, or what it returns, by their places."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from archscope.subject import Inputs


def input_tensors(inputs: Inputs) -> dict[str, Tensor]:
    """Return the tensors among the arguments by their place: `0`, `mask`, `0.pixels`."""
    arguments = {**{str(i): arg for i, arg in enumerate(inputs.args)}, **inputs.kwargs}
    return dict(named_tensors("", arguments))


def argument_names(model: nn.Module, places: Iterable[str]) -> dict[str, str]:
    """Return what the forward calls arguments, by their places: `src` for `0`, `batch.x` for `0.x`.

    Of a forward that takes any arguments, or whose parameters cannot be told, the place itself.
    """
    try:
        parameters = tuple(inspect.signature(model.forward).parameters.values())
    except (TypeError, ValueError):
        parameters = ()
    fixed = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    found = {}
    for place in places:
        first, dot, rest = place.partition(".")
        known = first.isdecimal() and int(first) < len(fixed)
        found[place] = f"{fixed[int(first)] if known else first}{dot}{rest}"
    return found


def named_tensors(
    path: str, value: Any, around: tuple[Any, ...] = ()
) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors in a value by their places; `around` is what it lies in."""
    if isinstance(value, Tensor):
        yield path, value
        return
    if any(value is each for each in around):
        return
    around = (*around, value)
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from named_tensors(f"{path}.{key}" if path else str(key), item, around)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from named_tensors(f"{path}.{number}" if path else str(number), item, around)
    elif hasattr(value, "__dict__") and not isinstance(value, type | nn.Module):
        yield from named_tensors(path, vars(value), around)
