"""TCN: residual blocks of two causal dilated convolutions with normalised weights."""

from archscope.families._assembly import assemble
from archscope.families.tcn.spec import TcnSpec, build, describe, inputs, outline

FAMILY = assemble(
    name="tcn",
    summary="TCN: residual blocks of two causal dilated convolutions with normalised weights",
    spec=TcnSpec,
    describe=describe,
    build=build,
    inputs=inputs,
    outline=outline,
)
