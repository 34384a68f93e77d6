"""What modules say of themselves: the first words of a file, which its code is held to."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import archscope
from generate.markdown import code, escaped, said, table

PACKAGE = Path(archscope.__file__).parent


def says(name: str) -> str:
    """Return all that a module says of itself, e.g. `training.work`."""
    return said(_doc(PACKAGE.joinpath(*name.split(".")).with_suffix(".py")))


def room(name: str) -> str:
    """Return the table of the modules of a room, each with its first sentence."""
    files = sorted(PACKAGE.joinpath(*name.split(".")).glob("[a-z]*.py"))
    rows = (
        (code(f"archscope.{name}.{file.stem}"), escaped(_doc(file).partition("\n\n")[0]))
        for file in files
    )
    return table(("module", "what it does"), rows)


def _doc(file: Path) -> str:
    # Read and not imported: a sentence needs no torch.
    return inspect.cleandoc(ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "")
