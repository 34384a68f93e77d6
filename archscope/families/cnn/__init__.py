"""Stacks of convolutions in one to three dimensions, layer by layer or all alike."""

from __future__ import annotations

from archscope.blocks.examples import features
from archscope.families import Family
from archscope.families.cnn.outline import outline
from archscope.families.cnn.spec import CnnSpec, describe, layers
from archscope.subject import Inputs


def inputs(spec: CnnSpec) -> Inputs:
    """Return one batch of random positions."""
    space = (spec.input_size,) * spec.spatial_dims
    return Inputs(args=(features(spec.batch_size, spec.in_channels, *space),))


FAMILY = Family(
    name="cnn",
    summary="stacks of convolutions in 1 to 3 dimensions: dilated, strided, separable, causal",
    spec=CnnSpec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.cnn.network:Cnn",
    blocks=layers,
    outline=outline,
)
