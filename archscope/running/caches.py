"""Takes tensors without data out of what the user's functions and classes store between calls.

A copy of a network runs, but functions and classes are not copied: what they store of a run on
shapes they would hand out to the user's own network later.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import _lru_cache_wrapper
from operator import is_
from types import CellType, FunctionType, ModuleType
from typing import Any
from weakref import ref

from torch import Tensor, nn

from archscope.running.stores import MOST, Stores, contents

_HOLDS_NONE = ("sympy", "torch", "archscope")
"""Packages whose caches, nearly all that there are, never hold a tensor of a user's forward."""
_DEPTH = 6
"""How far within what is stored a tensor may lie: an entry, what it holds, tuples in that."""


_AT_HAND: ContextVar[dict[int, tuple[ref[nn.Module], Stores]] | None] = ContextVar(
    "stores", default=None
)
"""Where the code of networks can store something, by a network's `id`, while one is looked at."""


@contextmanager
def stores_at_hand() -> Iterator[None]:
    """Within it places where code stores something are not looked for again until some has."""
    before = _AT_HAND.set({})
    try:
        yield
    finally:
        _AT_HAND.reset(before)


class Stored:
    """What the code of a network stores: see `Stores`."""

    def __init__(self, model: nn.Module) -> None:
        self._at_hand, self._name = _AT_HAND.get(), id(model)
        known, stores = (self._at_hand or {}).get(self._name, (None, None))
        if stores is None or known is None or known() is not model:
            stores = Stores(model)
        if self._at_hand is not None:
            self._at_hand[self._name] = (ref(model), stores)
        self._classes = [(each, dict(vars(each))) for each in stores.classes]
        self._tables = [(each, dict(list(dict.items(each)))) for each in stores.tables]
        self._sequences = [(each, list(each)) for each in stores.sequences]
        self._cells = [(each, contents(each)) for each in stores.cells]
        self._cached = [(each, each.cache_info().misses) for each in stores.cached]

    def put_back(self) -> None:
        """Store what was stored before in place of whatever has no data and is new."""
        if self._is_as_it_was():
            return
        if self._at_hand is not None:
            self._at_hand.pop(self._name, None)
        for kind, before in self._classes:
            for name in _emptied(dict(vars(kind)), before):
                if name in before:
                    type.__setattr__(kind, name, before[name])
                else:
                    type.__delattr__(kind, name)
        for table, before in self._tables:
            _put_back(table, before)
        for sequence, items in self._sequences:
            if _has_new(sequence, items):
                sequence.clear()
                (sequence.update if isinstance(sequence, set) else sequence.extend)(items)
        for cell, content in self._cells:
            if _has_new(contents(cell), content):
                _fill(cell, content)
        for function, misses in self._cached:
            if function.cache_info().misses != misses and _holds_none([function]):
                function.cache_clear()

    def _is_as_it_was(self) -> bool:
        """Return whether nothing was stored."""
        return (
            all(_are_same(vars(kind).values(), then.values()) for kind, then in self._classes)
            and all(_are_same(dict.values(table), then.values()) for table, then in self._tables)
            and all(_are_same(sequence, items) for sequence, items in self._sequences)
            and all(_are_same(contents(cell), content) for cell, content in self._cells)
            and all(each.cache_info().misses == misses for each, misses in self._cached)
        )


def _are_same(now: Iterable[Any], before: Collection[Any]) -> bool:
    found = list(now)
    return len(found) == len(before) and all(map(is_, found, before))


def _put_back(table: dict[Any, Any], before: dict[Any, Any]) -> None:
    kind = OrderedDict if isinstance(table, OrderedDict) else dict  # past methods of the user's
    for key in _emptied(table, before):
        if key in before:
            kind.__setitem__(table, key, before[key])
        else:
            kind.__delitem__(table, key)


def _emptied(now: dict[Any, Any], before: dict[Any, Any]) -> list[Any]:
    """Return the keys whose values are new and have no data."""
    if _are_same(dict.values(now), before.values()):
        return []
    return [
        key
        for key, value in list(dict.items(now))
        if before.get(key) is not value and _holds_none([[value]])
    ]


def _has_new(now: Iterable[Any], before: list[Any]) -> bool:
    """Return whether something of a sequence is new and has no data."""
    items = list(now)
    if _are_same(items, before):
        return False
    known = set(map(id, before))
    return _holds_none([[each for each in items if id(each) not in known]])


def _fill(cell: CellType, content: list[Any]) -> None:
    if content:
        cell.cell_contents = content[0]
    else:
        del cell.cell_contents


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
    """Return whether a tensor without data lies within something."""
    seen: set[int] = set()
    for _ in range(_DEPTH):
        if len(seen) > MOST:
            break
        level = [each for each in gc.get_referents(*level) if id(each) not in seen]
        if any(map(_has_none, level)):
            return True
        level = [each for each in level if not issubclass(type(each), _NAMED)]
        seen.update(map(id, level))
    return False


_NAMED = (type, ModuleType, FunctionType)
"""What stands under a name of its own is looked at there."""


def _has_none(value: Any) -> bool:
    return isinstance(value, Tensor) and (value.is_meta or type(value).__name__ == "FakeTensor")
