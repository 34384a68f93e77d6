"""Runs the user's code as Python would run it, and leaves nothing of it behind.

The user's folders stay as they are (no `__pycache__`), what the code prints goes to stderr, and the
import path, working folder and command line are put back. What it imported stays imported.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from archscope.errors import LoadError, UsageError
from archscope.running.prints import prints_to_stderr

T = TypeVar("T")
IMPORTING = "importing"
"""How what is tried begins where a module is run for the first time."""
_GUARD = "what is to run as a program goes under if __name__ == '__main__'"


@contextmanager
def _as_python_would(folder: Path, program: str) -> Iterator[None]:
    path, written = str(folder), sys.dont_write_bytecode
    arguments, here = sys.argv, os.getcwd()
    sys.path.insert(0, path)
    sys.dont_write_bytecode = True
    sys.argv = [program]
    try:
        with prints_to_stderr():
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
        ended = f"{what} ended the program with exit code {error.code!r}"
        hint = f"; {_GUARD}" if what.startswith(IMPORTING) else ""
        raise LoadError(f"{ended}{hint}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # some packages derive their own from that
        said = _said(error)
        kind = type(error).__name__
        raise LoadError(f"{what} raised {kind}{': ' if said else ''}{said}") from error


def imported(package: str, extra: str) -> Any:
    """Import a package that a loader needs; raises `UsageError` where it is missing or broken."""
    try:
        return import_module(package)
    except Exception as error:  # a torchvision for another torch raises all kinds of errors
        missing = isinstance(error, ImportError) and error.name == package
        why = "" if missing else f" ({type(error).__name__}: {_said(error)})"
        raise UsageError(
            f"{package} cannot be imported{why}: pip install archscope[{extra}]"
        ) from None


def _said(error: BaseException) -> str:
    """Return an error's first line, and the next where the first only announces it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1])


@cache
def import_file(path: Path) -> ModuleType:
    """Import a file once, as part of its package where it is in one; raises `LoadError`."""
    root, name = _place(path)
    return run(
        lambda: _import(path, name), f"{IMPORTING} {shown(path)}", folder=root, program=str(path)
    )


def _place(path: Path) -> tuple[Path, str]:
    """Return the folder to import a file from, and its name there: `net`, `package.net`.

    A folder is a package where it says so by `__init__.py`, or where the file imports `.parts`.
    """
    root, names, dots = path.parent, [path.stem.replace(".", "_")], _dots(path)
    while ((root / "__init__.py").is_file() or len(names) <= dots) and root.name.isidentifier():
        names.insert(0, root.name)
        root = root.parent
    if path.stem == "__init__" and len(names) > 1:
        names.pop()
    return root, ".".join(names)


def _dots(path: Path) -> int:
    """Return the most dots that an import of a file begins with: 2 for `from ..parts import x`."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, MemoryError, RecursionError):
        return 0  # importing it tells what is wrong
    return max((n.level for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)), default=0)


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
