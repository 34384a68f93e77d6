"""Reads `--model-arg KEY=VALUE` and `--input NAME=VALUE`, the value as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from archscope.errors import UsageError


def read_arguments(
    texts: Iterable[str], flag: str = "--model-arg", key: str = r"[^\W\d]\w*"
) -> dict[str, Any]:
    """Return the values of `KEY=VALUE` texts by key; a value is JSON, or a word.

    `flag` is how they are given, `key` the form of their keys.

    >>> read_arguments(["depth=12", "norm=batch", "sizes=[1, 2]"])
    {'depth': 12, 'norm': 'batch', 'sizes': [1, 2]}
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not re.fullmatch(key, name):
            raise UsageError(
                f"Invalid value for '{flag}': {text!r} is not KEY=VALUE, e.g. depth=12"
            )
        if name in found:
            raise UsageError(f"Invalid value for '{flag}': {name} is given twice")
        found[name] = _value(flag, text, value)
    return found


def _value(flag: str, text: str, value: str) -> Any:
    import json  # where no argument is given, its import would be most of reading them

    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        if value in ("True", "False", "None"):
            word = {"True": "true", "False": "false", "None": "null"}[value]
            problem = f"{value} is {word} in JSON"
        elif re.fullmatch(r"[A-Za-z_.~][\w./~ -]*", value):
            return value
        else:
            problem = f"{value!r} is neither JSON nor a word"
    raise UsageError(f"Invalid value for '{flag}': {text!r}: {problem}")
