"""Finds what belongs to a kind by its place: one file or folder with one constant each.

A built-in is a module or a package in its folder; its name there is its name. A stranger's package
joins by an entry point in the same group. Listing names imports nothing; asking for one imports
that one. A stranger that cannot be had ends nothing: it is left out, with one warning.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from archscope.errors import ArchscopeError, ArchscopeWarning, UsageError, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
V = TypeVar("V")
_STATED = r'^    {}=(?:"([^"\\]*)"|(\d+)),$'
"""How a constant states a plain string or a number, on a line of its own."""
_GROUPS = b"[archscope."
"""How the name of each group of entry points begins, as packages write it."""


class Registry(Generic[T]):
    """Names to constants of one type, for one folder of the package and one entry-point group."""

    def __init__(
        self, kind: str, package: str, constant: str, type_: type[T], *, folders_alone: bool = False
    ) -> None:
        """Tell of a kind; `folders_alone`: a file in its folder is none, but serves all of them."""
        self._kind = kind
        self._package = package
        self._constant = constant
        self._type = type_
        self._folders_alone = folders_alone

    def names(self) -> tuple[str, ...]:
        """Return every known name, sorted, without importing any of them."""
        return tuple(sorted({*self._builtin(), *self._strangers()}))

    def __contains__(self, name: str) -> bool:
        return name in self._builtin() or name in self._strangers()

    def get(self, name: str) -> T:
        """Return the constant registered as `name`.

        Raises `UsageError` with the nearest name where there is none, and `ArchscopeError` that
        names the culprit where what is there cannot be imported or is of another type.
        """
        if name in self._builtin():
            return self._of_builtin(name)
        if name in self._strangers():
            return self._of_stranger(name)
        known = self.names()
        raise UsageError(
            f"no {self._kind} is called {name!r}; there are {', '.join(known)}."
            + did_you_mean(name, known)
        )

    def all(self) -> Mapping[str, T]:
        """Return every constant by name; this imports them all.

        What cannot be had is left out, with one warning.
        """
        return self._each(self.get)

    def each(self) -> Iterator[T]:
        """Yield the constants one by one: what comes after the one that is looked for is not
        imported. What cannot be had is left out, as of `all`."""
        for name in self.names():
            try:
                found = self.get(name)
            except ArchscopeError as error:
                _warn_once(f"{error}; it is left out")
            else:
                yield found

    def summaries(self) -> dict[str, str]:
        """Return the summary of every name; those of built-ins are read without importing them."""
        files = self._builtin()

        def summary(name: str) -> str:
            return (name in files and _stated(files[name], "summary")) or self._summary(name)

        return self._each(summary)

    def stated(self, key: str) -> dict[str, str]:
        """Return what the files of built-ins state for `key`, as text, without importing them."""
        texts = {name: _stated(file, key) for name, file in self._builtin().items()}
        return {name: text for name, text in texts.items() if text is not None}

    def folders(self) -> dict[str, Path]:
        """Return the folder of every name that is a package, without importing any of them."""
        found = {name: file.parent for name, file in self._builtin().items() if _is_package(file)}
        for name, point in self._strangers().items():
            folder = _folder_of(point.module)
            if folder is not None:
                found.setdefault(name, folder)
        return found

    def _each(self, read: Callable[[str], V]) -> dict[str, V]:
        found = {}
        for name in self.names():
            try:
                found[name] = read(name)
            except ArchscopeError as error:
                _warn_once(f"{error}; it is left out")
        return found

    def _summary(self, name: str) -> str:
        constant: Any = self.get(name)
        return str(constant.summary)

    def _builtin(self) -> Mapping[str, Path]:
        found = _modules_in(self._package)
        if not self._folders_alone:
            return found
        return {name: file for name, file in found.items() if _is_package(file)}

    def _strangers(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in _entry_points() if point.group == self._package}

    def _of_builtin(self, name: str) -> T:
        module = import_module(f"{self._package}.{name.replace('-', '_')}")
        where = f"{self._kind} {name!r} ({module.__name__})"
        if not hasattr(module, self._constant):
            raise ArchscopeError(f"{where} has no constant {self._constant}")
        return self._checked(getattr(module, self._constant), where)

    def _of_stranger(self, name: str) -> T:
        point = self._strangers()[name]
        package = f" of {point.dist.name}" if point.dist else ""
        where = f"{self._kind} {name!r}{package} ({point.value})"
        try:
            found = point.load()
        except (Exception, SystemExit) as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ArchscopeError(f"{where} cannot be imported: {said}") from error
        return self._checked(found, where)

    def _checked(self, found: Any, where: str) -> T:
        if not isinstance(found, self._type):
            wanted, came = self._type.__name__, type(found).__name__
            raise ArchscopeError(f"{where}: {self._constant} is of type {came}, not {wanted}")
        return found


@cache
def _modules_in(package: str) -> Mapping[str, Path]:
    """Return the file of each public module or package in a package, by what users call it."""
    spec = find_spec(package)
    found = {}
    for folder in (spec.submodule_search_locations if spec else None) or ():
        for name in sorted(os.listdir(folder)):
            if name.startswith(("_", ".")):
                continue
            file = os.path.join(folder, name)
            if not name.endswith(".py"):
                file = os.path.join(file, "__init__.py")
                if not os.path.isfile(file):
                    continue
            found[name.removesuffix(".py").replace("_", "-")] = Path(file)
    return found


def _is_package(file: Path) -> bool:
    return file.name == "__init__.py"


def _folder_of(module: str) -> Path | None:
    """Return the folder of a package; None for a module, or where there is none of that name."""
    try:
        spec = find_spec(module)
    except (Exception, SystemExit):  # a package around it that fails to import
        return None
    places = (spec.submodule_search_locations if spec else None) or ()
    return next((Path(place) for place in places), None)


def _stated(file: Path, key: str) -> str | None:
    """Return what a built-in's file gives its constant as `key`, a plain string or a number."""
    found = re.search(_STATED.format(key), file.read_text(encoding="utf-8"), re.MULTILINE)
    return None if found is None else found[1] or found[2]


@cache
def _warn_once(message: str) -> None:
    warnings.warn(message, ArchscopeWarning, stacklevel=4)


@cache
def _entry_points() -> tuple[EntryPoint, ...]:
    # importlib.metadata takes longer to import than most commands take to answer.
    if not any(map(_mentions_us, sys.path)):
        return ()
    from importlib.metadata import entry_points

    found = entry_points()
    return tuple(point for group in found.groups for point in found.select(group=group))


def _mentions_us(folder: str) -> bool:
    """Return whether a package installed in `folder` could have entry points for archscope."""
    if os.path.isfile(folder):
        return True  # an archive, which only importlib.metadata reads
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return False
    return any(
        _mentions(os.path.join(folder, name, *inner, "entry_points.txt"))
        for name in names
        for suffix, *inner in ((".dist-info",), (".egg-info",), (".egg", "EGG-INFO"))
        if name.endswith(suffix)
    )


def _mentions(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return _GROUPS in file.read()
    except OSError:
        return False


def resolve(address: str) -> Any:
    """Return the object at `package.module:name`, imported at the time of the call.

    Data types use it to offer what lives above them (a DataFrame, a table) without depending on it.
    """
    module, _, name = address.partition(":")
    return getattr(import_module(module), name)
