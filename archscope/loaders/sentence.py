"""Names a stack of layers by its sentence: `"conv 64 k7 s2; pool 3 s2"`, a cnn said in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archscope import specs
from archscope.families import FAMILIES
from archscope.loaders import Loader
from archscope.loaders.family import network, refuse_strangers
from archscope.subject import Network, Request

FAMILY = "cnn"
"""The family that makes it."""


def accepts(text: str) -> bool:
    """Return whether a text is meant for a sentence."""
    if not {*" ;("} & {*text}:  # as of most names; to import the family takes its time
        return False
    from archscope.families.cnn.sentence import is_sentence

    return is_sentence(text)


def reference() -> str:
    """Return what a sentence may say."""
    from archscope.families.cnn import sentence

    return sentence.__doc__ or ""


def values(text: str) -> Mapping[str, Any]:
    """Return the field that the sentence is."""
    return {"layers": text}


def load(text: str, request: Request) -> Network:
    """Return the stack that a sentence says, its input and what it leaves unsaid by fields."""
    family = FAMILIES.get(FAMILY)
    refuse_strangers("a sentence", family.spec, request.fields, names_them="archscope list cnn")
    made: Any = specs.made(family.spec, values(text), request.fields)
    return network(family, made, origin="sentence")


LOADER = Loader(
    name="sentence",
    summary="a stack of layers in words, e.g. 'conv 64 k7 s2; pool 3 s2; 4x(conv 64 d1,2,4,8 res)'",
    accepts=accepts,
    spec=lambda text: FAMILIES.get(FAMILY).spec,
    load=load,
    values=values,
    reference=reference,
)
