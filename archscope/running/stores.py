"""Finds where the code of a network can store something between calls: names of its files,
attributes of classes, functions and single objects, closures, and containers within these.
"""

from __future__ import annotations

import builtins
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
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
}
_Look = Callable[[Any], Iterable[Any]]


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
        self._waiting = waiting = list(_code_of(modules))
        self._files = set(map(_file_of, waiting))
        self._is_own: dict[str, bool] = {}
        looks: dict[type, _Look] = {
            **dict.fromkeys(_ATOMS, _nothing),
            **dict.fromkeys((list, set, deque), self._in_sequence),
            CellType: self._in_cell,
            FunctionType: self._in_function,
            _lru_cache_wrapper: self._in_cached,
        }
        seen = {*map(id, modules), id(vars(builtins))}  # copied; and every file holds those
        while waiting and len(seen) < MOST:
            value = waiting.pop()
            if id(value) not in seen:
                seen.add(id(value))
                kind = type(value)
                if kind not in looks:
                    looks[kind] = self._look_for(kind)
                waiting.extend(looks[kind](value))

    def _look_for(self, kind: type) -> _Look:
        """Return what notes where a value of a kind can store something, and returns its parts."""
        if issubclass(kind, dict):
            return self._in_table
        if issubclass(kind, tuple):
            return _items
        if issubclass(kind, ModuleType):
            return self._in_file
        if issubclass(kind, type):
            return self._in_class
        if kind in _AROUND_FUNCTIONS:
            return lambda value: [getattr(value, name, None) for name in _AROUND_FUNCTIONS[kind]]
        return self._in_object if self._owns(_file_of(kind)) else _nothing

    def _in_table(self, table: dict[Any, Any]) -> Iterable[Any]:
        if len(table) > _MOST_ITEMS:
            return ()
        self.tables.append(table)
        return list(dict.values(table))

    def _in_sequence(self, sequence: Any) -> Iterable[Any]:
        if len(sequence) <= _MOST_ITEMS:
            self.sequences.append(sequence)
        return _items(sequence)

    def _in_cell(self, cell: CellType) -> Iterable[Any]:
        self.cells.append(cell)
        return contents(cell)

    def _in_cached(self, function: Any) -> Iterable[Any]:
        self.cached.append(function)
        return [getattr(function, "__wrapped__", None)]

    def _in_file(self, file: ModuleType) -> Iterable[Any]:
        return [vars(file)] if self._owns(file.__name__) else ()

    def _in_class(self, kind: type) -> Iterable[Any]:
        if not self._owns(_file_of(kind)):
            return ()
        self.classes.append(kind)
        return vars(kind).values()

    def _in_function(self, function: FunctionType) -> Iterable[Any]:
        if not self._owns(_file_of(function)):
            return ()
        given = (function.__defaults__, function.__kwdefaults__)
        return (*(function.__closure__ or ()), *given, vars(function))

    def _in_object(self, value: Any) -> Iterable[Any]:
        with suppress(AttributeError):  # it has slots
            return (object.__getattribute__(value, "__dict__"),)
        return ()

    def _owns(self, file: str) -> bool:
        """Return whether a file is one of the network's, or of no package that is installed.

        One that is waits to be looked into from then on.
        """
        if file not in self._is_own:
            place = getattr(sys.modules.get(file), "__file__", None) or ""
            installed = any(name in place for name in _INSTALLED)
            is_near = file in self._files or not installed
            self._is_own[file] = is_near and _package(file) not in _FRAMEWORKS
            if self._is_own[file]:
                self._waiting.append(sys.modules.get(file))
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
    """Return the name of the file that a class or a function is from."""
    found = value.__module__
    return found if type(found) is str else ""


def _items(container: Any) -> Iterable[Any]:
    return list(container) if len(container) <= _MOST_ITEMS else ()


def _nothing(_: Any) -> Iterable[Any]:
    return ()


def _package(file: str) -> str:
    return file.partition(".")[0]
