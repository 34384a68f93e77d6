"""Calls a network to its end: what it returns is read, what would end the program is an error."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from torch import Tensor

_MOST = 1_000
"""Items up to which a generator is read."""


def returned(model: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call a network and return what it returned, read out.

    Raises `RuntimeError` for what `read_out` cannot read, and where the network ends the program or
    raises what ends a generator. Anything else that is no `Exception` is raised as it is: it ends a
    task, and is the affair of whoever runs one.
    """
    try:
        return read_out(model(*args, **kwargs))
    except SystemExit as leaving:
        raise RuntimeError(f"it calls sys.exit({leaving.code!r})") from None
    except GeneratorExit:
        raise RuntimeError("it raises GeneratorExit") from None


def read_out(value: Any, depth: int = 3) -> Any:
    """Return a value with lists in place of the generators in it.

    Raises `RuntimeError` for one that does not end, and for what is to be awaited.
    """
    if isinstance(value, Tensor):
        return value
    if type(value) in (list, tuple):
        return type(value)([read_out(item, depth - 1) for item in value]) if depth else value
    if type(value) is dict:
        if not depth:
            return value
        return {key: read_out(item, depth - 1) for key, item in value.items()}
    if isinstance(value, Iterator):
        items = [read_out(item, depth - 1) for item in islice(value, _MOST)]
        if len(items) == _MOST:
            raise RuntimeError(f"it returns a generator that goes on after {_MOST:,} items")
        return items
    if isinstance(value, Awaitable):
        getattr(value, "close", lambda: None)()  # else Python warns that nobody awaited it
        raise RuntimeError("it is a coroutine (async def), which runs only where it is awaited")
    return value
