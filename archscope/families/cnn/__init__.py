"""Stacks of convolutions in one to three dimensions, layer by layer or all alike."""

from __future__ import annotations

from archscope.blocks.examples import features
from archscope.families import Family
from archscope.families.cnn.census import census, enters
from archscope.families.cnn.describe import describe
from archscope.families.cnn.outline import outline
from archscope.families.cnn.spec import CnnSpec, plan
from archscope.subject import Inputs


def inputs(spec: CnnSpec) -> Inputs:
    """Return one batch of random positions."""
    return Inputs(args=(features(spec.batch_size, spec.channels_in, *spec.sizes),))


FAMILY = Family(
    name="cnn",
    summary="stacks of convolutions in 1 to 3 dimensions: dilated, strided, separable, causal, "
    "pooled, up-sampled; described by fields or as a sentence",
    spec=CnnSpec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.cnn.network:Cnn",
    blocks=plan,
    outline=outline,
    census=census,
    saved_activations="archscope.families.cnn.saved_activations:saved_activations",
    enters=enters,
    space="archscope.families.cnn.space:SPACE",
)
