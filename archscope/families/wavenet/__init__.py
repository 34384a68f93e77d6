"""WaveNet: causal dilated convolutions with gates, residual paths and skips to the output."""

from __future__ import annotations

from archscope.blocks.examples import features
from archscope.families import Family
from archscope.families.wavenet.census import census
from archscope.families.wavenet.outline import outline
from archscope.families.wavenet.spec import WaveNetSpec, blocks, describe
from archscope.subject import Inputs


def inputs(spec: WaveNetSpec) -> Inputs:
    """Return one batch of random features, where real samples are one-hot."""
    return Inputs(args=(features(spec.batch_size, spec.classes, spec.input_size),))


FAMILY = Family(
    name="wavenet",
    summary="WaveNet: gated causal dilated convolutions with residual and skip connections",
    spec=WaveNetSpec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.wavenet.network:WaveNet",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.wavenet.saved_activations:saved_activations",
    cache="archscope.families.wavenet.cache:cache",
    space="archscope.families.wavenet.space:SPACE",
)
