"""Takes tensors without data out of what the user's functions and classes store between calls.

A copy of a network runs, but functions and classes are not copied: what they store of a run on
shapes they would hand out to the user's own network later.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import _lru_cache_wrapper
from operator import is_
from typing import Any

from torch import Tensor, nn

_HOLDS_NONE = ("sympy", "torch", "archscope")
"""Packages whose caches, nearly all that there are, never hold a tensor of a user's forward."""
_DEPTH = 5
"""How far within what is stored a tensor may lie: an entry, what it holds, tuples in that."""


class Stored:
    """What the files of a network's classes store: their names, attributes of their classes and of
    single objects, and tables under these."""

    def __init__(self, model: nn.Module) -> None:
        names = {type(module).__module__ for module in model.modules()}
        own = (name for name in names if name.partition(".")[0] != "torch")
        files = [sys.modules[name] for name in own if name in sys.modules]
        self._classes = [(each, dict(vars(each))) for file in files for each in _classes(file)]
        spaces = [*map(vars, files), *(each for file in files for each in _objects(file))]
        named = (*spaces, *(names for _, names in self._classes))
        tables = [*spaces, *(table for names in named for table in _tables(names))]
        self._tables = [(table, dict(table)) for table in tables]

    def put_back(self) -> None:
        """Store what was stored before in place of whatever has no data and is new."""
        for kind, before in self._classes:
            for name in _emptied(vars(kind), before):
                if name in before:
                    type.__setattr__(kind, name, before[name])
                else:
                    type.__delattr__(kind, name)
        for table, before in self._tables:
            for key in _emptied(table, before):
                if key in before:
                    table[key] = before[key]
                else:
                    del table[key]


def _classes(file: Any) -> Iterator[type]:
    """Yield the classes that a file defines."""
    for value in list(vars(file).values()):
        if isinstance(value, type) and value.__module__ == file.__name__:
            yield value


def _objects(file: Any) -> Iterator[dict[str, Any]]:
    """Yield the attributes of each single object of these classes that the file names.

    They are read past all that the user wrote; modules are copied with the network.
    """
    for value in list(vars(file).values()):
        if type(value).__module__ != file.__name__ or isinstance(value, nn.Module):
            continue
        with suppress(AttributeError):  # it has slots
            found = object.__getattribute__(value, "__dict__")
            if type(found) is dict:
                yield found


def _tables(names: Mapping[str, Any]) -> Iterator[dict[Any, Any]]:
    """Yield each table that stands under a name."""
    for name, value in list(names.items()):
        if type(value) is dict and name != "__builtins__":
            yield value


def _emptied(now: Mapping[Any, Any], before: Mapping[Any, Any]) -> list[Any]:
    """Return the keys whose values are new and have no data."""
    values = list(now.values())
    if len(values) == len(before) and all(map(is_, values, before.values())):
        return []
    return [
        key
        for key, value in list(now.items())
        if before.get(key) is not value and (_has_none(value) or _within(value))
    ]


def _within(value: Any) -> bool:
    return _is_plain(value) and _holds_none([value])


def empty_cached_functions() -> None:
    """Empty whatever `functools.lru_cache` of the process holds a tensor without data."""
    for cached in _cached_functions():
        is_others = (cached.__module__ or "").partition(".")[0] in _HOLDS_NONE
        if not is_others and cached.cache_info().currsize and _holds_none([cached]):
            cached.cache_clear()


def _cached_functions() -> list[Any]:
    """Return all of the process; those that Python's collector was told to leave alone too."""
    frozen = gc.get_freeze_count()
    if frozen:
        gc.collect()  # what nobody holds would stay for good once it is frozen too
        gc.unfreeze()
    found = [each for each in gc.get_objects() if type(each) is _lru_cache_wrapper]
    if frozen:
        gc.freeze()
    return found


def _holds_none(level: Iterable[Any]) -> bool:
    """Return whether a tensor without data lies within plain containers within something."""
    for _ in range(_DEPTH):
        level = [each for each in gc.get_referents(*level) if _has_none(each) or _is_plain(each)]
        if any(map(_has_none, level)):
            return True
    return False


def _has_none(value: Any) -> bool:
    return isinstance(value, Tensor) and (value.is_meta or type(value).__name__ == "FakeTensor")


def _is_plain(value: Any) -> bool:
    return isinstance(value, dict | list | tuple)
