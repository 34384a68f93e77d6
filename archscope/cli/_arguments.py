"""Reads `--model-arg KEY=VALUE`, the value as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from archscope.errors import UsageError


def read_arguments(texts: Iterable[str]) -> dict[str, Any]:
    """Return the values of `KEY=VALUE` texts by key; a value is JSON, or a word.

    >>> read_arguments(["depth=12", "norm=batch", "sizes=[1, 2]"])
    {'depth': 12, 'norm': 'batch', 'sizes': [1, 2]}
    """
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(
                f"Invalid value for '--model-arg': {text!r} is not KEY=VALUE, e.g. depth=12"
            )
        found[key] = _value(text, value)
    return found


def _value(text: str, value: str) -> Any:
    import json  # where no argument is given, its import would be most of reading them

    try:
        return json.loads(value)
    except ValueError:
        if value in ("True", "False", "None"):
            word = {"True": "true", "False": "false", "None": "null"}[value]
            problem = f"{value} is {word} in JSON"
        elif re.fullmatch(r"[A-Za-z_.~][\w./~ -]*", value):
            return value
        else:
            problem = f"{value!r} is neither JSON nor a word"
    raise UsageError(f"Invalid value for '--model-arg': {text!r}: {problem}")
