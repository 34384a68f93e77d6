"""The JSON Schema of saved results: made from the types, and held against what is written."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest

import archscope
from archscope.analyses import ANALYSES
from archscope.present.json import render
from archscope.results import (
    SCHEMA,
    Convention,
    Environment,
    Headline,
    InputShape,
    Note,
    Report,
    Section,
    Strip,
    View,
    Words,
)
from archscope.studies import STUDIES

FILE = Path(archscope.__file__).parent / "present" / f"schema-{SCHEMA}.json"
_PLAIN = {
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    types.NoneType: {"type": "null"},
}


def of(hint: Any, known: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a type; those of dataclasses are put among the `known` ones."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [of(each, known) for each in inner]}
    if origin is typing.Literal:
        return {"enum": list(inner)}
    if origin is tuple and inner[-1] is ...:
        return {"type": "array", "items": of(inner[0], known)}
    if origin is tuple:
        sizes = {"minItems": len(inner), "maxItems": len(inner)}
        return {"type": "array", "items": [of(each, known) for each in inner], **sizes}
    if (origin or hint) in (Mapping, dict):
        return {"type": "object"}
    if hint is Any:
        return {}
    if dataclasses.is_dataclass(hint):
        name = f"{hint.__module__.removeprefix('archscope.')}.{hint.__name__}"
        if name not in known:
            hints = typing.get_type_hints(hint)
            fields = (field.name for field in dataclasses.fields(hint))
            known[name] = fixed({field: of(hints[field], known) for field in fields})
        return {"$ref": f"#/definitions/{name}"}
    return _PLAIN[hint]


def fixed(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with these keys and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def of_section(section: Section | None, known: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a section, of a stranger's where None is given."""
    totals: dict[str, Any] = {"type": ["object", "null"]}
    rows: dict[str, Any] = {"type": "object"}
    if section is not None:
        rows = of(section.row_type, known)
        totals = of(section.totals_type | None if section.totals_type else types.NoneType, known)
    return fixed(
        {
            "device": of(str | None, known),
            "totals": totals,
            "notes": of(tuple[Note, ...], known),
            "headline": of(tuple[Headline, ...], known),
            "summary": of(tuple[Strip | Words, ...], known),
            "rows": {"type": "array", "items": rows},
        }
    )


def schema() -> dict[str, Any]:
    """Return the schema of the JSON that every report is saved as."""
    known: dict[str, Any] = {}
    sections = [
        section
        for registry in (ANALYSES, STUDIES)
        for each in registry.all().values()
        for section in each.declared()
    ]
    document = fixed(
        {
            "schema": {"const": SCHEMA},
            "tool": {"const": "archscope"},
            "version": of(str, known),
            "command": of(str, known),
            "title": of(str, known),
            "origin": of(str, known),
            "config": {"type": "object"},
            "inputs": of(tuple[InputShape, ...], known),
            "environment": of(Environment, known),
            "flop_convention": of(Convention | None, known),
            "uncounted_ops": {"type": "object", "additionalProperties": of(int | None, known)},
            "totals": {"type": ["object", "null"]},
            "sections": {
                "type": "object",
                "properties": {each.address: of_section(each, known) for each in sections},
                "additionalProperties": of_section(None, known),
            },
        }
    )
    document["required"].remove("sections")  # --total leaves them out
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"A result of archscope, schema {SCHEMA}",
        **document,
        "definitions": dict(sorted(known.items())),
    }


def written(document: dict[str, Any]) -> str:
    """Return a schema as text, a line for each type and each section, so that changes are seen."""
    lines = json.dumps(document, ensure_ascii=False)
    for name in (
        *document,
        *document["definitions"],
        *document["properties"]["sections"]["properties"],
    ):
        lines = lines.replace(f', "{name}": {{', f',\n"{name}": {{')
    return lines + "\n"


def test_the_file_is_what_the_types_say(request: pytest.FixtureRequest) -> None:
    text = written(schema())
    if request.config.getoption("--overwrite"):
        FILE.write_text(text, encoding="utf-8")

    assert FILE.read_text(encoding="utf-8") == text


@pytest.fixture(scope="module")
def fits() -> Callable[[Any], Any]:
    compiled: Callable[[Any], Any] = fastjsonschema.compile(
        json.loads(FILE.read_text(encoding="utf-8"))
    )
    return compiled


def test_every_sample_fits(each: Report, fits: Callable[[Any], Any]) -> None:
    fits(json.loads(render(each, View())))
    if each.totals is not None:
        fits(json.loads(render(each, View(total=True))))


WRITTEN: dict[str, Callable[[], Report]] = {
    "params": lambda: archscope.params("bert-base-uncased", teacher="bert-large-uncased"),
    "stack": lambda: archscope.receptive_field([2, 2, 2]),
    "branches": lambda: archscope.receptive_field(branches=[[6], [12], [18]]),
    "attention": lambda: archscope.receptive_field("transformer"),
    "up-sampled": lambda: archscope.receptive_field("u-net"),
    "operators": lambda: archscope.receptive_field("cnn", input_size=16, graph=True),
    "measured": lambda: archscope.receptive_field("cnn", input_size=16, erf=1),
    "checked": lambda: archscope.check("cnn", input_size=16, max={"params": "1M", "ahead": 9}),
    "suggested": lambda: archscope.suggest(63),
    "compared": lambda: archscope.compare("cnn", "cnn:depth=5", input_size=16),
    "everything": lambda: archscope.report("cnn", input_size=16, audit=True),
    "timed": lambda: archscope.time(
        "cnn", depth=1, input_size=8, runs=2, warmup=1, per_layer=True, device="cpu"
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_fits(name: str, fits: Callable[[Any], Any]) -> None:
    fits(json.loads(WRITTEN[name]().to("json")))


@pytest.mark.parametrize(
    ("path", "value"),
    [(("schema",), 1), (("title",), None), (("more",), 1), (("sections", "params.depth"), {})],
)
def test_what_does_not_fit_is_noticed(
    path: tuple[str, ...], value: Any, fits: Callable[[Any], Any], sample: Callable[[str], Report]
) -> None:
    document = json.loads(render(sample("frozen"), View()))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    with pytest.raises(fastjsonschema.JsonSchemaException):
        fits(document)
