"""Loads a teacher at its students' inputs, and says what decoding with each reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from archscope import loaders, specs
from archscope.errors import SpecError, UsageError
from archscope.results import InputShape, Report
from archscope.studies.compare.teaching import Decoded
from archscope.subject import Network, Request

INPUT_FIELDS = ("batch_size", "seq_len", "target_len", "input_size")
"""Fields of specs that say how large the input is, whatever the network."""


def load_teacher(
    teacher: str,
    config: Mapping[str, Any],
    request: Request = Request(),  # noqa: B008
    inputs: Sequence[InputShape] = (),
) -> Network:
    """Return the network that teaches one of this configuration, at its inputs.

    One of the user's own takes what the request says of inputs, or else `inputs`, its student's.
    Raises `UsageError` where no network is called so, or it cannot take these inputs.
    """
    loaders.require_name(teacher)
    if not loaders.has_spec(teacher):
        own = replace(request, fields={})
        if not (own.input_shapes or own.input_values or own.inputs_from):
            own = replace(own, input_shapes=tuple(map(_typed, inputs)))
        return loaders.load(teacher, own)
    fields = {**_inputs_of(config, teacher), **request.fields}
    alone = Request(fields=fields, parameters_alone=request.parameters_alone)
    try:
        return loaders.load(teacher, alone)
    except SpecError as error:
        raise UsageError(f"teacher {teacher} cannot take its student's inputs: {error}") from None


def _typed(given: InputShape) -> str:
    """Return an input in the words of `--input-shape`."""
    name = "" if given.name.isdigit() else f"{given.name}:"
    return f"{name}{given.dtype}:{','.join(map(str, given.shape))}"


def _inputs_of(config: Mapping[str, Any], teacher: str) -> Mapping[str, Any]:
    """Return the student's fields that say how large its input is, where its teacher has them."""
    loader = loaders.find(loaders.spelt(teacher))
    spec = loader.spec(teacher) if loader else None
    known = {field.name for field in specs.flags(spec)} if spec else set()
    given = {field: config.get(field) for field in INPUT_FIELDS if field in known}
    return {field: value for field, value in given.items() if value is not None}


def decoded(asked: Network | Report) -> Decoded:
    """Return what a step of decoding reads, of one sequence in 16 bits."""
    if isinstance(asked, Report):
        return Decoded(bytes=None, why="a saved report does not tell")
    if not asked.family:
        return Decoded(bytes=None, why="no family provides it")
    from archscope.families import FAMILIES
    from archscope.registry import resolve
    from archscope.theory.decoding import step_cost
    from archscope.theory.serving.demand import Asked
    from archscope.theory.stored import WEIGHT_TYPES, named

    address = FAMILIES.get(asked.family).cache
    if not address:
        return Decoded(bytes=None, why=f"{asked.family} does not describe a decoding step")
    try:
        cache = resolve(address)(asked.spec)
    except UsageError as error:
        return Decoded(bytes=None, why=str(error))
    stored = named("bf16", WEIGHT_TYPES)
    cost = step_cost(cache, Asked(context=cache.context, batch=1, stored=stored), stored)
    if cost is None:
        return Decoded(bytes=None, why="what runs in a decoding step is unknown")
    return Decoded(bytes=round(cost.bytes), context=cache.context)
