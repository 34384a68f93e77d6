"""Finds where the code of a network can store something between calls: names of its files,
attributes of classes, functions and single objects, closures, and containers within these.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import _lru_cache_wrapper, cached_property, partial
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

from torch import nn

_FRAMEWORKS = frozenset(
    ("torch", "torchvision", "numpy", "sympy", "archscope", *sys.stdlib_module_names)
) - {"__main__"}
"""Packages that store no tensor of a user's forward."""
_INSTALLED = ("site-packages", "dist-packages")
_MOST_ITEMS = 2**14
"""Items of a container beyond which it is taken for data, and is not looked through."""
MOST = 2**17
"""Objects that are looked at."""
_ATOMS = frozenset((type(None), bool, int, float, complex, str, bytes))
_CALLED = frozenset((FunctionType, MethodType, partial))
_AROUND_FUNCTIONS: dict[type, tuple[str, ...]] = {
    **dict.fromkeys((staticmethod, classmethod, MethodType), ("__func__",)),
    property: ("fget",),
    cached_property: ("func",),
    partial: ("func", "args", "keywords"),
    _lru_cache_wrapper: ("__wrapped__",),
}


class Stores:
    """What the code of a network's classes and functions reaches by names, each once.

    It reaches the files that these come from, and files of no installed package. Everything is read
    past what the user wrote.
    """

    def __init__(self, model: nn.Module) -> None:
        self.classes: list[type] = []
        self.tables: list[dict[Any, Any]] = []
        """Dictionaries: names of files, attributes of functions and objects, and those in these."""
        self.sequences: list[Any] = []
        """Lists, sets and queues."""
        self.cells: list[CellType] = []
        """Variables that functions close over."""
        self.cached: list[Any] = []
        """Functions of `functools.lru_cache`."""
        modules = list(model.modules())
        waiting = list(_code_of(modules))
        self._files = set(map(_file_of, waiting))
        self._is_own: dict[str, bool] = {}
        seen = set(map(id, modules))  # those are copied
        while waiting and len(seen) < MOST:
            value = waiting.pop()
            if type(value) not in _ATOMS and id(value) not in seen:
                seen.add(id(value))
                waiting.extend(self._within(value))

    def _within(self, value: Any) -> Iterable[Any]:
        """Note where a value can store something, and return what it holds."""
        kind = type(value)
        if issubclass(kind, dict | tuple) or kind in (list, set, deque):
            return self._within_container(value, kind)
        if kind is CellType:
            self.cells.append(value)
            return contents(value)
        if kind in _AROUND_FUNCTIONS:
            if kind is _lru_cache_wrapper:
                self.cached.append(value)
            return [getattr(value, name, None) for name in _AROUND_FUNCTIONS[kind]]
        name = value.__name__ if issubclass(kind, ModuleType) else _file_of(value)
        return self._within_own(value, kind, name) if self._owns(name) else ()

    def _within_container(self, value: Any, kind: type) -> Iterable[Any]:
        if len(value) > _MOST_ITEMS:
            return ()
        if issubclass(kind, dict):
            self.tables.append(value)
            return list(dict.values(value))
        if not issubclass(kind, tuple):
            self.sequences.append(value)
        return list(value)

    def _within_own(self, value: Any, kind: type, name: str) -> Iterator[Any]:
        """Yield what a file, a class, a function or an object of a class of the user's holds."""
        if issubclass(kind, ModuleType):
            yield vars(value)
            return
        yield sys.modules.get(name)
        if issubclass(kind, type):
            self.classes.append(value)
            yield from list(vars(value).values())
            return
        if kind is FunctionType:
            yield from (*(value.__closure__ or ()), value.__defaults__, value.__kwdefaults__)
        with suppress(AttributeError):  # it has slots
            yield object.__getattribute__(value, "__dict__")

    def _owns(self, file: str) -> bool:
        """Return whether a file is one of the network's, or of no package that is installed."""
        if file not in self._is_own:
            place = getattr(sys.modules.get(file), "__file__", None) or ""
            installed = any(name in place for name in _INSTALLED)
            is_near = file in self._files or not installed
            self._is_own[file] = is_near and _package(file) not in _FRAMEWORKS
        return self._is_own[file]


def contents(cell: CellType) -> list[Any]:
    """Return what a cell holds, if it is filled."""
    try:
        return [cell.cell_contents]
    except ValueError:
        return []


def _code_of(modules: Iterable[nn.Module]) -> Iterator[Any]:
    """Yield the classes of modules, and functions that are attributes or hooks of single ones."""
    kinds = {base for module in modules for base in type(module).__mro__}
    yield from (kind for kind in kinds if _package(_file_of(kind)) not in _FRAMEWORKS)
    for module in modules:
        for name, value in vars(module).items():
            if type(value) in _CALLED:
                yield value
            elif type(value) is OrderedDict and value and "hooks" in name:
                yield from (each for each in value.values() if type(each) in _CALLED)


def _file_of(value: Any) -> str:
    """Return the name of the file that a class or function, or the class of an object, is from."""
    is_named = issubclass(type(value), type) or type(value) is FunctionType
    found = (value if is_named else type(value)).__module__
    return found if type(found) is str else ""


def _package(file: str) -> str:
    return file.partition(".")[0]
