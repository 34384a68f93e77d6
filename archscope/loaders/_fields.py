"""Reads the fields of a spec behind a colon: `depth=3,dilations=1/2/4`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from pathlib import Path

from archscope.errors import UsageError

_FIELD = re.compile(r"\s*[\w-]+\s*=|\s*$")


def names_one(text: str, names: Collection[str]) -> bool:
    """Return whether a text begins with one of these names, alone or with fields behind it.

    `clip:Net` is of the user's own module, where there is one called like the name.
    """
    name, _, rest = text.partition(":")
    return name in names and (_FIELD.match(rest) is not None or not _is_module(name))


def _is_module(name: str) -> bool:
    if not name.isidentifier():
        return False
    here = Path(f"{name}.py").is_file() or Path(name, "__init__.py").is_file()
    return here or find_spec(name) is not None


def fields_of(text: str) -> Mapping[str, str]:
    """Return the fields and their texts in `NAME:field=value,field=value`."""
    found = {}
    for part in filter(None, text.partition(":")[2].split(",")):
        field, equals, value = part.partition("=")
        if not equals:
            raise UsageError(
                f"{text!r}: {part!r} is not FIELD=VALUE. Write e.g. cnn:depth=3,dilations=1/2/4"
            )
        found[field.strip().replace("-", "_")] = value.strip()
    return found
