"""The form of saved JSON, field by field: types from the schema, words from the data types."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from os.path import relpath
from pathlib import Path
from typing import Any

import archscope
from archscope.results import SCHEMA
from generate.attributes import attributes
from generate.markdown import code, escaped, table

FILE = Path(archscope.__file__).parent / "present" / f"schema-{SCHEMA}.json"
MAIN = "json.md"


@cache
def schema() -> Mapping[str, Any]:
    """Return the schema that comes with the package."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def top() -> str:
    """Return the keys of a whole result."""
    always = schema()["required"]
    rows = (
        (code(key), _type(form, MAIN), "yes" if key in always else "no")
        for key, form in schema()["properties"].items()
    )
    return table(("key", "holds", "always there"), rows)


def sections() -> str:
    """Return every section by its address, with the page that tells of its rows."""
    rows = (
        (f"[{code(address)}]({_page(address)}#{_slug(address)})", _rows_of(address, MAIN))
        for address in schema()["properties"]["sections"]["properties"]
    )
    return table(("section", "a row is"), rows)


def shared() -> str:
    """Return the keys of a section, and the data types that all results share."""
    keys = next(iter(schema()["properties"]["sections"]["properties"].values()))["properties"]
    of_section = {"rows": "list, see each section", "totals": "object or null, see each section"}
    rows = ((code(key), of_section.get(key) or _type(keys[key], MAIN)) for key in keys)
    head = f"### A section\n\n{table(('key', 'holds'), rows)}"
    return "\n".join([head, *(_definition(name, MAIN) for name in _on(MAIN))])


def pages() -> dict[str, str]:
    """Return a page for each analysis and study, with its sections and their data types."""
    found: dict[str, list[str]] = {}
    for address in schema()["properties"]["sections"]["properties"]:
        found.setdefault(_page(address), []).append(address)
    return {path: _told(path, addresses) for path, addresses in found.items()}


def _told(path: str, addresses: list[str]) -> str:
    word = path.removeprefix("json/").removesuffix(".md")
    parts = [f"# JSON of {word}\n", "Its possible sections, then the fields of their rows.\n"]
    for address in addresses:
        totals = _type(_section(address)["totals"], path)
        told = f"Rows: {_rows_of(address, path)}. Totals: {totals}.\n"
        parts += [f"## {code(address)}\n", told]
    parts.append("## Data types\n")
    return "\n".join([*parts, *(_definition(name, path) for name in _on(path))])


def _section(address: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema()["properties"]["sections"]["properties"][address]
    return found["properties"]  # type: ignore[no-any-return]


def _rows_of(address: str, page: str) -> str:
    return _type(_section(address)["rows"]["items"], page)


def _page(address: str) -> str:
    return f"json/{address.partition('.')[0]}.md"


def _on(path: str) -> list[str]:
    return [name for name in schema()["definitions"] if _home(name) == path]


def _home(name: str) -> str:
    """Return the page that has a data type."""
    room, _, rest = name.partition(".")
    return f"json/{rest.partition('.')[0]}.md" if room in ("analyses", "studies") else MAIN


def _definition(name: str, page: str) -> str:
    words = _words(name)
    rows = (
        (code(key), _type(form, page), escaped(words.get(key, "")))
        for key, form in schema()["definitions"][name].get("properties", {}).items()
    )
    return f"### {code(_short(name))}\n\n{table(('key', 'type', 'what it is'), rows)}"


def _words(name: str) -> Mapping[str, str]:
    """Return what the data type behind a definition says of its fields."""
    module, _, cls = name.rpartition(".")
    found = getattr(import_module(f"archscope.{module}"), cls)
    return {each.name: each.text for each in attributes(found)}


def _type(form: Mapping[str, Any], page: str) -> str:
    return " or ".join(dict.fromkeys(_types(form, page)))


def _types(form: Mapping[str, Any], page: str) -> Iterator[str]:
    if "$ref" in form:
        name = form["$ref"].rpartition("/")[2]
        place = "" if _home(name) == page else relpath(_home(name), Path(page).parent)
        yield f"[{code(_short(name))}]({place}#{_slug(_short(name))})"
    elif "anyOf" in form:
        for each in form["anyOf"]:
            yield from _types(each, page)
    elif "const" in form:
        yield code(json.dumps(form["const"]))
    elif "enum" in form:
        yield ", ".join(code(json.dumps(word)) for word in form["enum"])
    elif form.get("type") == "array" and isinstance(form.get("items"), Mapping):
        yield f"list of {_type(form['items'], page) or 'anything'}"
    elif isinstance(form.get("type"), list):
        yield from form["type"]
    else:
        yield str(form.get("type", "anything"))


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _slug(heading: str) -> str:
    """Return the anchor of a heading."""
    return heading.lower().replace(".", "")
