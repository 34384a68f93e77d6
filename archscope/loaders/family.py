"""Names a family, with fields after a colon or without: `cnn:dilations=1/2/4,channels=32`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import Any

from archscope import specs
from archscope.errors import UsageError, and_
from archscope.families import FAMILIES, Family
from archscope.loaders import GENERAL, Loader
from archscope.loaders._fields import fields_of, names_one
from archscope.subject import Network, Published, Request, Sketch, Subject

_FEW = 9
"""Fields that an error names all."""


def accepts(text: str) -> bool:
    """Return whether `text` begins with the name of a family."""
    return names_one(text, FAMILIES.names())


def spec(text: str) -> type:
    """Return the spec of the family that `text` names."""
    return FAMILIES.get(text.partition(":")[0]).spec


def load(text: str, request: Request) -> Network:
    """Return the network of a family, its fields taken from `text`, then from the request."""
    name = text.partition(":")[0]
    family = FAMILIES.get(name)
    refuse_strangers(name, family.spec, request.fields, names_them=f"archscope list {name}")
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
        family=family.name,
        spec=spec,
    )


def refuse_strangers(name: str, spec: type, texts: Iterable[str], *, names_them: str) -> None:
    """Raise `UsageError` where a text is for a field that `spec` does not have, and say whose.

    `names_them` is the command that names its fields.
    """
    known = [flag.name for flag in specs.flags(spec)]
    for text in texts:
        if text not in known:
            others = owners(text)
            whose = f" but of {and_(others)}" if others else ""
            few = ", ".join(map(specs.flag_of, known))
            fields = f"it has {few}" if len(known) <= _FEW else f"`{names_them}` names its fields"
            raise UsageError(f"{specs.flag_of(text)} is not a field of {name}{whose}; {fields}")


def owners(field: str) -> tuple[str, ...]:
    """Return the families that have a field of that name, the general ones first; of more than
    three, `others` stands for the rest."""
    general = {name: FAMILIES.get(name) for name in GENERAL}
    found = (
        name
        for name, family in {**general, **FAMILIES.all()}.items()
        if any(flag.name == field for flag in specs.flags(family.spec))
    )
    first = tuple(islice(found, 4))
    return first if len(first) < 4 else (*first[:3], "others")


LOADER = Loader(
    name="family",
    summary="a family with fields, e.g. cnn:dilations=1/2/4",
    accepts=accepts,
    spec=spec,
    load=load,
)
