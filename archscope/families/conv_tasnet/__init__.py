"""Conv-TasNet: sources of a mixture, separated by masks from dilated convolutions."""

from __future__ import annotations

from archscope.blocks.examples import features
from archscope.families import Family
from archscope.families.conv_tasnet.census import census
from archscope.families.conv_tasnet.outline import outline
from archscope.families.conv_tasnet.spec import ConvTasNetSpec, blocks, describe
from archscope.subject import Inputs


def inputs(spec: ConvTasNetSpec) -> Inputs:
    """Return one batch of random samples."""
    return Inputs(args=(features(spec.batch_size, 1, spec.input_size),))


FAMILY = Family(
    name="conv-tasnet",
    summary="Conv-TasNet: separates audio sources by masks from dilated depthwise convolutions",
    spec=ConvTasNetSpec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.conv_tasnet.network:ConvTasNet",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.conv_tasnet.saved_activations:saved_activations",
)
