"""WaveNet: causal dilated convolutions with gates, residual paths and skips to the output."""

from archscope.families._assembly import assemble
from archscope.families.wavenet.spec import WaveNetSpec, build, describe, inputs, outline

FAMILY = assemble(
    name="wavenet",
    summary="WaveNet: causal dilated convolutions with gates, residual paths and skips",
    spec=WaveNetSpec,
    describe=describe,
    build=build,
    inputs=inputs,
    outline=outline,
)
