"""The form of saved JSON, field by field: types from the schema, words from the data types."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import archscope
from archscope.results import SCHEMA
from generate.attributes import attributes
from generate.markdown import code, escaped, table

FILE = Path(archscope.__file__).parent / "present" / f"schema-{SCHEMA}.json"


def top() -> str:
    """Return the keys of a whole result."""
    schema = _schema()
    optional = {key: "yes" for key in schema["required"]}
    rows = (
        (code(key), _type(form), optional.get(key, "no")) for key, form in schema["properties"].items()
    )
    return table(("key", "holds", "always there"), rows)


def sections() -> str:
    """Return every section: what its totals and its rows are."""
    rows = (
        (code(address), _type(form["properties"]["rows"]), _type(form["properties"]["totals"]))
        for address, form in _schema()["properties"]["sections"]["properties"].items()
    )
    return table(("section", "rows", "totals"), rows)


def definitions() -> str:
    """Return every data type with its fields."""
    parts = []
    for name, form in _schema()["definitions"].items():
        words = _words(name)
        rows = (
            (code(key), _type(inner), escaped(words.get(key, "")))
            for key, inner in form.get("properties", {}).items()
        )
        parts += [f"### {code(name)}\n", table(("key", "type", "what it is"), rows)]
    return "\n".join(parts)


def _schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def _words(name: str) -> Mapping[str, str]:
    """Return what the data type behind a definition says of its fields."""
    module, _, cls = name.rpartition(".")
    found = getattr(import_module(f"archscope.{module}"), cls)
    return {each.name: each.text for each in attributes(found)}


def _type(form: Mapping[str, Any]) -> str:
    return " or ".join(dict.fromkeys(_types(form)))


def _types(form: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in form:
        name = form["$ref"].rpartition("/")[2]
        yield f"[{code(name.rpartition('.')[2])}](#{_anchor(name)})"
    elif "anyOf" in form:
        for each in form["anyOf"]:
            yield from _types(each)
    elif "const" in form:
        yield code(json.dumps(form["const"]))
    elif "enum" in form:
        yield ", ".join(code(json.dumps(word)) for word in form["enum"])
    elif form.get("type") == "array" and isinstance(form.get("items"), Mapping):
        yield f"list of {_type(form['items']) or 'anything'}"
    elif isinstance(form.get("type"), list):
        yield from form["type"]
    else:
        yield str(form.get("type", "anything"))


def _anchor(name: str) -> str:
    return name.lower().replace(".", "").replace(" ", "-")
