"""DeepSeek-V2 and V3: decoders with latent attention, shared and routed experts."""

from archscope.families._assembly import assemble
from archscope.families.deepseek.spec import (
    DeepSeekSpec,
    blocks_alike,
    build,
    describe,
    inputs,
    outline,
)

FAMILY = assemble(
    name="deepseek",
    summary="DeepSeek-V2 and V3: latent attention, shared and routed experts",
    spec=DeepSeekSpec,
    describe=describe,
    build=build,
    inputs=inputs,
    outline=outline,
    repeats=blocks_alike,
)
