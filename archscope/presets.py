"""The published networks, as data beside their family: `presets.toml`, or several in `presets/`.

A file names its source and the fields that all its networks share; each table after that is a
network, with the fields by which it differs and the figures that its authors print.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from archscope.errors import UsageError, did_you_mean
from archscope.families import FAMILIES
from archscope.records import frozen
from archscope.subject import Published

_TABLE = re.compile(r'^\["?([^"\]\[]+)"?\]', re.MULTILINE)
_SHARED = "fields"
"""The table of what all networks of a file share; every other table is a network."""
_SUFFIXES = {"K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12}


@frozen
class Preset:
    """A published network: a spec of a family, its source, and what its authors say of it."""

    name: str
    """What the user types, e.g. `bert-base-uncased`."""
    family: str
    """Name of the family."""
    source: str
    """The paper or configuration that its fields come from."""
    same_as: str | None
    """The preset that this is another name of; None: it is a network of its own."""
    fields: Mapping[str, Any]
    """The fields of the family's spec that differ from its defaults; lists are tuples."""
    published: tuple[Published, ...]
    """The figures that its authors print."""


@cache
def names() -> tuple[str, ...]:
    """Return the names of all presets, in the order of the files and in them."""
    return tuple(_files())


def load(name: str) -> Preset:
    """Return the preset called `name`; raises `UsageError` with the nearest name."""
    files = _files()
    if name not in files:
        near = did_you_mean(name, list(files))
        raise UsageError(f"no preset is called {name!r}; archscope list presets names them.{near}")
    return _preset(name, *files[name])


def all() -> Iterator[Preset]:
    """Yield every preset, in the order of the files and in them."""
    return (_preset(name, *place) for name, place in _files().items())


@cache
def _files() -> Mapping[str, tuple[str, Path]]:
    """Return the family and the file of every preset, by its name."""
    # Names are found without parsing: most commands need at most one of the files.
    return {
        name: (family, path)
        for family, folder in FAMILIES.folders().items()
        for path in (*folder.glob("presets.toml"), *sorted(folder.glob("presets/*.toml")))
        for name in _TABLE.findall(path.read_text(encoding="utf-8"))
        if name != _SHARED
    }


@cache
def _read(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def _preset(name: str, family: str, path: Path) -> Preset:
    data = _read(path)
    own = _table(data, name)
    fields = {**data.get(_SHARED, {}), **own.get("fields", {})}
    return Preset(
        name=name,
        family=family,
        source=own.get("source", data.get("source", "")),
        same_as=own["like"] if "like" in own and "fields" not in data[name] else None,
        fields={key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()},
        published=tuple(_published(figure) for figure in own.get("published", ())),
    )


def _table(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what a file says of a network, with what it takes from the one that it is like."""
    own: dict[str, Any] = data[name]
    if "like" not in own:
        return own
    base = _table(data, own["like"])
    if "fields" not in own:
        return {**base, **own}
    fields = {**base.get("fields", {}), **own["fields"]}
    published = own.get("published", ())  # the figures of the other are not those of this one
    return {**base, **own, "fields": fields, "published": published}


def _published(figure: Mapping[str, str]) -> Published:
    return Published(value=_value(figure["text"]), **figure)


def _value(text: str) -> int:
    """Return the number that a text like `110M` or `124,439,808` stands for."""
    digits, factor = text.replace(",", ""), 1
    if digits[-1] in _SUFFIXES:
        digits, factor = digits[:-1], _SUFFIXES[digits[-1]]
    return round(float(digits) * factor)
