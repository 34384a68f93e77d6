"""Reformer: decoders with local and hashed attention, reversible blocks, axial positions."""

from archscope.families._assembly import assemble
from archscope.families.reformer.spec import ReformerSpec, blocks_alike, build, describe, inputs

FAMILY = assemble(
    name="reformer",
    summary="Reformer: local and hashed attention, reversible blocks, axial positions",
    spec=ReformerSpec,
    describe=describe,
    build=build,
    inputs=inputs,
    repeats=blocks_alike,
)
