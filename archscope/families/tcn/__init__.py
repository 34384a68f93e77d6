"""TCN: residual blocks of two causal dilated convolutions with normalised weights."""

from __future__ import annotations

from archscope.blocks.examples import features
from archscope.families import Family
from archscope.families.tcn.census import census
from archscope.families.tcn.outline import outline
from archscope.families.tcn.spec import TcnSpec, describe
from archscope.subject import Inputs


def inputs(spec: TcnSpec) -> Inputs:
    """Return one batch of random positions."""
    return Inputs(args=(features(spec.batch_size, spec.in_channels, spec.input_size),))


FAMILY = Family(
    name="tcn",
    summary="TCN: residual blocks of two causal dilated convolutions with weight normalisation",
    spec=TcnSpec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.tcn.network:Tcn",
    outline=outline,
    census=census,
    saved_activations="archscope.families.tcn.saved_activations:saved_activations",
    cache="archscope.families.tcn.cache:cache",
    space="archscope.families.tcn.space:SPACE",
)
