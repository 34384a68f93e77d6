"""Empties caches of functions of tensors without data, which a user would be handed later."""

from __future__ import annotations

import gc
import sys
from functools import _lru_cache_wrapper
from typing import Any

from torch import nn

from archscope.running.twin import is_fake

_DEPTH = 5
"""How far within a cache a tensor may lie: an entry, what it returns, a tuple or two in that."""


class Caches:
    """Knows what functions of a network's files have stored, before it runs on shapes.

    A copy of a network runs; functions are not copied, and what they store they hand out to the
    user's own network later: `functools.lru_cache`, and tables or names of a file.
    """

    def __init__(self, model: nn.Module) -> None:
        files = {type(module).__module__ for module in model.modules()}
        own = (name for name in files if name.partition(".")[0] != "torch")
        self._spaces = [
            (space, dict(space))
            for space in (vars(sys.modules[n]) for n in own if n in sys.modules)
        ]

    def forget(self) -> None:
        """Drop what has no data from all of them."""
        for cached in _cached_functions():
            if _holds(cached):
                cached.cache_clear()
        for space, before in self._spaces:
            for name, value in list(space.items()):
                if is_fake(value):
                    _put(space, name, before)
                elif type(value) is dict and not name.startswith("__"):
                    _drop(value)


def _cached_functions() -> list[Any]:
    """Return all of the process; those that Python's collector was told to leave alone too."""
    frozen = gc.get_freeze_count()
    gc.unfreeze()
    found = [each for each in gc.get_objects() if type(each) is _lru_cache_wrapper]
    if frozen:
        gc.collect()  # what nobody holds would stay for good
        gc.freeze()
    return found


def _put(space: dict[str, Any], name: str, before: dict[str, Any]) -> None:
    if name in before:
        space[name] = before[name]
    else:
        del space[name]


def _drop(table: dict[Any, Any]) -> None:
    for key in [key for key, value in table.items() if is_fake(value) or _holds(value)]:
        del table[key]


def _holds(outer: Any) -> bool:
    """Return whether a tensor without data lies within plain containers within something."""
    level: list[Any] = [outer]
    for _ in range(_DEPTH):
        level = [each for each in gc.get_referents(*level) if is_fake(each) or _is_plain(each)]
        if any(map(is_fake, level)):
            return True
    return False


def _is_plain(value: Any) -> bool:
    return isinstance(value, dict | list | tuple)
