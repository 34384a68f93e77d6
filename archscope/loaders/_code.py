"""Runs the user's code as Python would run it, and leaves nothing of it behind.

The user's folders stay as they are (no `__pycache__`), what the code prints goes to stderr, and the
import path, working folder and command line are put back. What it imported stays imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from archscope.errors import LoadError

T = TypeVar("T")


@contextmanager
def _as_python_would(folder: Path, program: str) -> Iterator[None]:
    path, written = str(folder), sys.dont_write_bytecode
    arguments, here = sys.argv, os.getcwd()
    sys.path.insert(0, path)
    sys.dont_write_bytecode = True
    sys.argv = [program]
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.argv = arguments
        sys.dont_write_bytecode = written
        if path in sys.path:
            sys.path.remove(path)
        if os.getcwd() != here:
            os.chdir(here)


def run(code: Callable[[], T], what: str, *, folder: Path, program: str = "") -> T:
    """Return what `code` returns; raises `LoadError` where it raises or ends the program.

    `what` says what was tried, e.g. `importing ./net.py`; modules in `folder` can be imported.
    """
    try:
        with _as_python_would(folder, program):
            return code()
    except SystemExit as error:
        raise LoadError(f"{what} ended the program with exit code {error.code!r}") from error
    except Exception as error:
        said = next(iter(str(error).strip().splitlines()), "")
        kind = type(error).__name__
        raise LoadError(f"{what} raised {kind}{': ' if said else ''}{said}") from error


@cache
def import_file(path: Path) -> ModuleType:
    """Import a file once, as part of its package where it is in one; raises `LoadError`."""
    root, name = _place(path)
    return run(
        lambda: _import(path, name), f"importing {shown(path)}", folder=root, program=str(path)
    )


def _place(path: Path) -> tuple[Path, str]:
    """Return the folder to import a file from, and its name there: `net`, `package.net`."""
    root, names = path.parent, [path.stem]
    while (root / "__init__.py").is_file() and root.name.isidentifier():
        names.insert(0, root.name)
        root = root.parent
    if path.stem == "__init__" and len(names) > 1:
        names.pop()
    return root, ".".join(names)


def _import(path: Path, name: str) -> ModuleType:
    if "." in name or path.stem == "__init__":
        found = find_spec(name)
        if found is not None and found.origin is not None and Path(found.origin).samefile(path):
            return import_module(name)
    # A file that is called like an installed package must not stand in that package's place.
    if name in sys.modules or _is_installed(name, path):
        name = f"{path.stem} at {path}"
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _is_installed(name: str, path: Path) -> bool:
    own, sys.path = sys.path, sys.path[1:]
    try:
        found = find_spec(name)
    except (ImportError, ValueError):
        return False
    finally:
        sys.path = own
    return found is not None and found.origin != str(path)


def shown(path: Path) -> str:
    """Return a path as a user would type it from here: `./net.py`, `../nets/net.py`.

    It goes into reports, which are sent on: it should tell no more of a machine than it must.
    """
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
    return relative if relative.startswith(os.pardir) else f"./{Path(relative).as_posix()}"
