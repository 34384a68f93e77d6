"""T5 and Switch: encoder-decoders with relative biases, dense or with one expert per token."""

from archscope.families._assembly import assemble
from archscope.families.t5.spec import T5Spec, blocks_alike, build, describe, inputs, outline

FAMILY = assemble(
    name="t5",
    summary="T5 and Switch: encoder and decoder with relative biases, dense or sparse",
    spec=T5Spec,
    describe=describe,
    build=build,
    inputs=inputs,
    outline=outline,
    repeats=blocks_alike,
)
