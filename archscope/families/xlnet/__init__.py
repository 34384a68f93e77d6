"""XLNet: encoders with relative attention."""

from archscope.families._assembly import assemble
from archscope.families.xlnet.spec import XlnetSpec, blocks_alike, build, describe, inputs, outline

FAMILY = assemble(
    name="xlnet",
    summary="XLNet: encoders that score content and distance apart",
    spec=XlnetSpec,
    describe=describe,
    build=build,
    inputs=inputs,
    outline=outline,
    repeats=blocks_alike,
)
