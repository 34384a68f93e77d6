"""Names a family, with fields after a colon or without: `cnn:dilations=1/2/4,channels=32`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archscope import specs
from archscope.errors import UsageError
from archscope.families import FAMILIES, Family
from archscope.loaders import Loader
from archscope.loaders._fields import fields_of
from archscope.subject import Network, Published, Request, Sketch, Subject


def accepts(text: str) -> bool:
    """Return whether `text` begins with the name of a family."""
    return text.partition(":")[0] in FAMILIES.names()


def spec(text: str) -> type:
    """Return the spec of the family that `text` names."""
    return FAMILIES.get(text.partition(":")[0]).spec


def load(text: str, request: Request) -> Network:
    """Return the network of a family, its fields taken from `text`, then from the request."""
    name = text.partition(":")[0]
    family = FAMILIES.get(name)
    refuse_strangers(name, family, request.fields)
    texts = {**fields_of(text), **request.fields}
    return network(family, specs.made(family.spec, texts))


def network(
    family: Family,
    spec: Any,
    *,
    name: str | None = None,
    origin: str | None = None,
    published: tuple[Published, ...] = (),
) -> Network:
    """Return the network of a spec, under its description or another name."""
    title = name or family.title(spec)
    source = origin or f"family:{family.name}"

    def subject() -> Subject:
        return replace(family.subject(spec), name=title, origin=source)

    def whole() -> Subject:
        return Subject(
            name=title,
            model=family.network(spec),
            inputs=family.inputs(spec),
            origin=source,
            config=specs.values(spec),
            outline=family.outline(spec) if family.outline else None,
        )

    def sketch() -> Sketch:
        assert family.outline is not None
        outline, config = family.outline(spec), specs.values(spec)
        return Sketch(name=title, outline=outline, origin=source, config=config)

    return Network(
        name=title,
        origin=source,
        subject=subject,
        whole=whole,
        sketch=sketch if family.outline else None,
        published=published,
    )


def refuse_strangers(name: str, family: Family, texts: Mapping[str, Any]) -> None:
    """Raise `UsageError` where a text is for a field that the family does not have."""
    known = {field.name: field.flag for field in specs.flags(family.spec)}
    for text in texts:
        if text not in known:
            flag = specs.flag_of(text)
            raise UsageError(f"{flag} is not a field of {name}; it has {', '.join(known.values())}")


LOADER = Loader(
    name="family",
    summary="a family with fields, e.g. cnn:dilations=1/2/4",
    accepts=accepts,
    spec=spec,
    load=load,
)
