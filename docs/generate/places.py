"""Where strangers join: every kind that is found by its place, from the registries themselves."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import archscope
from archscope.registry import Registry
from generate.markdown import code, table


def kinds() -> str:
    """Return every kind with its constant, its type, its group of entry points, what there is."""
    rows = (
        (each._kind, code(each._constant), code(f"{each._type.__module__}:{each._type.__name__}"),
         code(each._package), str(len(each.names())))
        for each in registries()
    )  # fmt: skip
    return table(("kind", "constant", "of type", "group of entry points", ">built in"), rows)


def registries() -> list[Registry[Any]]:
    """Return every registry of the package, by its group."""
    found: dict[str, Registry[Any]] = {}
    for module in walk_packages(archscope.__path__, "archscope."):
        if not module.ispkg or module.name.startswith("archscope.families."):
            continue
        for each in vars(import_module(module.name)).values():
            if isinstance(each, Registry):
                found[each._package] = each
    command = import_module("archscope.cli._command").COMMANDS
    found[command._package] = command
    return [found[name] for name in sorted(found)]
