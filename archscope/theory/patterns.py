"""Patterns of names, as in a shell, that mean a parameter or a module with all it holds."""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches(name: str, pattern: str) -> bool:
    """Return whether a pattern names a parameter or a module that holds it.

    >>> matches("layer1.0.conv1.weight", "layer[1-3]"), matches("fc.weight", "layer[1-3]*")
    (True, False)
    """
    parts = name.split(".")
    ends = range(1, len(parts) + 1)
    return any(fnmatchcase(".".join(parts[:end]), pattern) for end in ends)


def is_pattern(text: str) -> bool:
    """Return whether a text is a pattern, and no plain name.

    >>> is_pattern("layer[1-3]"), is_pattern("layer1")
    (True, False)
    """
    return any(sign in text for sign in "*?[")
