"""The Python reference: every public name of the package."""

from __future__ import annotations

import inspect

import archscope
from archscope import errors, results
from generate.functions import class_, function
from generate.markdown import code, escaped, fenced, table

_DATA = ("Section", "Note", "Convention", "Environment", "InputShape", "Headline")
"""Types of what a report holds."""


def names() -> str:
    """Return the table of every public name."""
    rows = (
        (f"[{code(f'archscope.{name}')}](#{_anchor(name)})", escaped(_first(name)))
        for name in _public()
    )
    return table(("name", "what it does"), rows)


def verbs() -> str:
    """Return every public function as its docstring tells of it."""
    found = ((name, getattr(archscope, name)) for name in _public())
    return "\n".join(
        function(f"archscope.{name}", each) for name, each in found if inspect.isfunction(each)
    )


def report() -> str:
    """Return what every verb returns, and what it holds."""
    parts = [class_(archscope.Report).replace("## `Report`", "## `archscope.Report`", 1)]
    parts += [class_(getattr(results, name), level="###") for name in _DATA]
    return "\n".join(parts)


def raised() -> str:
    """Return the errors: their tree, and each."""
    tree = (errors.__doc__ or "").split("\n\n")[1]
    found = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and each.__module__ == errors.__name__ and each.__name__[0] != "_"
    ]
    return "\n".join([fenced(tree, "text"), *(class_(each, level="###") for each in found)])


def _public() -> list[str]:
    return [name for name in archscope.__all__ if name != "__version__"]


def _first(name: str) -> str:
    return (inspect.getdoc(getattr(archscope, name)) or "").partition("\n\n")[0]


def _anchor(name: str) -> str:
    found = getattr(archscope, name)
    if isinstance(found, type) and issubclass(found, Exception):
        return name.lower()  # among the errors
    return f"archscope{name}".lower()
