"""Reads the fields of a spec behind a colon: `depth=3,dilations=1/2/4`."""

from __future__ import annotations

from collections.abc import Mapping

from archscope.errors import UsageError


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
