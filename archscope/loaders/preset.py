"""Names a published network: `bert-base-uncased`, with fields changed by flags or after a colon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archscope import presets, specs
from archscope.families import FAMILIES
from archscope.loaders import Loader
from archscope.loaders import family as families
from archscope.loaders._fields import fields_of, names_one
from archscope.subject import Network, Request


def accepts(text: str) -> bool:
    """Return whether `text` begins with the name of a preset."""
    return names_one(text, presets.names())


def spec(text: str) -> type:
    """Return the spec of the family that the preset belongs to."""
    return FAMILIES.get(presets.load(text.partition(":")[0]).family).spec


def values(text: str) -> Mapping[str, Any]:
    """Return the fields by which the published network differs from its family's default."""
    return presets.load(text.partition(":")[0]).fields


def load(text: str, request: Request) -> Network:
    """Return the published network, with the fields changed that the text or the request name."""
    name = text.partition(":")[0]
    preset = presets.load(name)
    family = FAMILIES.get(preset.family)
    families.refuse_strangers(
        name, family.spec, request.fields, names_them=f"archscope list {family.name}"
    )
    changes = {**fields_of(text), **request.fields}
    made: Any = specs.made(family.spec, preset.fields, changes)
    title = ", ".join([name, *(f"{field} {value}" for field, value in changes.items())])
    return families.network(
        family,
        made,
        name=f"{title} · {family.title(made)}",
        origin=f"preset:{name}",
        published=() if changes else preset.published,
    )


LOADER = Loader(
    name="preset",
    summary="a published network, e.g. bert-base-uncased; archscope list presets lists them",
    accepts=accepts,
    spec=spec,
    load=load,
    values=values,
)
