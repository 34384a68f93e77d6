"""Finds families, analyses, loaders and formats by name: one file with one constant each.

A built-in is a module in its folder; its file name is its name. A stranger's package joins by an
entry point in the same group. Listing names imports nothing; asking for one imports that one.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from archscope.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from archscope.results import Report, Section, View
    from archscope.subject import Inputs, Network, Request, Subject
    from archscope.theory.outline import Outline

T = TypeVar("T")
_SUMMARY = re.compile(r'^    summary="([^"\\]*)",$', re.MULTILINE)
_GROUPS = b"[archscope."
"""How the name of each group of entry points begins, as packages write it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A parametrised network: a spec type, and how a spec becomes a network."""

    name: str
    """What the user types, e.g. `transformer`."""
    summary: str
    """One line for `archscope list`."""
    spec: type
    """A frozen dataclass whose fields come from `specs.option`."""
    describe: Callable[[Any], str]
    """A spec in one line, for the title of a table."""
    subject: Callable[[Any], Subject]
    """A spec as a `Subject` on the meta device, with repeated blocks built once."""
    network: Callable[[Any], Any]
    """A spec as the whole `nn.Module`, on torch's current default device."""
    inputs: Callable[[Any], Inputs]
    """What the network of a spec is called with: random, on torch's current default device."""
    outline: Callable[[Any], Outline] | None = None
    """A spec as what its network looks at, without torch; None where that cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """A way to name a network: what the user types for MODEL."""

    name: str
    """What the form is called, e.g. `preset`."""
    summary: str
    """One line for `archscope list`, with an example."""
    accepts: Callable[[str], bool]
    """Whether a text names a network in this form; imports and runs nothing of the user's."""
    spec: Callable[[str], type | None]
    """The spec whose fields may be set beside that name; None where there is none."""
    load: Callable[[str, Request], Network]
    """The network that a text names; raises `UsageError`."""
    values: Callable[[str], Mapping[str, Any]] = lambda text: {}
    """The fields of that spec which the name itself sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """A question that can be asked of a `Subject`."""

    name: str
    """What the user types, e.g. `params`."""
    summary: str
    """One line for `archscope list`."""
    run: Callable[..., tuple[Section, ...]]
    """`run(subject, **settings)`; raises `ArchscopeError` where there is no answer at all."""
    on_data: bool = False
    """Whether it needs the whole network with weights and inputs, not its shapes alone."""
    sections: Mapping[str, type] = field(default_factory=dict)
    """The row type of each section that it may return, by name: so that a saved one is read."""
    totals: Mapping[str, type] = field(default_factory=dict)
    """The type of the totals of those sections that have any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A way to write a `Report` as text."""

    name: str
    """What the user types after `-f`."""
    summary: str
    """One line for `archscope list`."""
    suffixes: tuple[str, ...]
    """File endings of `-o` that choose this format, e.g. `(".json",)`."""
    render: Callable[[Report, View], str]
    """The whole text, ending in a newline."""


class Registry(Generic[T]):
    """Names to constants, for one folder of the package and one entry-point group."""

    def __init__(self, kind: str, package: str, constant: str) -> None:
        self._kind = kind
        self._package = package
        self._constant = constant

    def names(self) -> tuple[str, ...]:
        """Return every known name, sorted, without importing any of them."""
        return tuple(sorted({*self._builtin(), *self._plugins()}))

    def get(self, name: str) -> T:
        """Return the constant registered as `name`, or raise `UsageError` with the nearest name."""
        if name in self._builtin():
            found: T = getattr(import_module(f"{self._package}.{_module(name)}"), self._constant)
            return found
        plugins = self._plugins()
        if name in plugins:
            loaded: T = plugins[name].load()
            return loaded
        known = self.names()
        raise UsageError(
            f"no {self._kind} is called {name!r}; there are {', '.join(known)}."
            + did_you_mean(name, known)
        )

    def all(self) -> Mapping[str, T]:
        """Return every constant by name; this imports them all."""
        return {name: self.get(name) for name in self.names()}

    def summaries(self) -> dict[str, str]:
        """Return the summary of every name; those of built-ins are read without importing them."""
        files = self._builtin()
        return {
            name: (_stated(files[name]) if name in files else None) or self._summary(name)
            for name in self.names()
        }

    def _summary(self, name: str) -> str:
        constant: Any = self.get(name)
        return str(constant.summary)

    def _builtin(self) -> dict[str, Path]:
        spec = find_spec(self._package)
        folders = spec.submodule_search_locations if spec else None
        files = (file for folder in folders or () for file in Path(folder).glob("[!_]*.py"))
        return {file.stem.replace("_", "-"): file for file in files}

    def _plugins(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in _entry_points() if point.group == self._package}


def _stated(file: Path) -> str | None:
    """Return the summary that a built-in's file gives its constant, where it is a plain string."""
    found = _SUMMARY.search(file.read_text(encoding="utf-8"))
    return found[1] if found else None


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


def _module(name: str) -> str:
    return name.replace("-", "_")


def resolve(address: str) -> Any:
    """Return the object at `package.module:name`, imported at the time of the call.

    Data types use it to offer what lives above them (a DataFrame, a table) without depending on it.
    """
    module, _, name = address.partition(":")
    return getattr(import_module(module), name)


FAMILIES: Registry[Family] = Registry("family", "archscope.families", "FAMILY")
ANALYSES: Registry[Analysis] = Registry("analysis", "archscope.analyses", "ANALYSIS")
LOADERS: Registry[Loader] = Registry("loader", "archscope.loaders", "LOADER")
FORMATS: Registry[Format] = Registry("format", "archscope.present", "FORMAT")
