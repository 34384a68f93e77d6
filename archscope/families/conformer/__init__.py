"""Conformer: blocks of attention and depthwise convolution over frames of sound."""

from __future__ import annotations

from archscope.blocks.examples import features, tokens
from archscope.families import Family
from archscope.families.conformer.census import census
from archscope.families.conformer.outline import outline
from archscope.families.conformer.spec import ConformerSpec, blocks, describe
from archscope.subject import Inputs


def inputs(spec: ConformerSpec) -> Inputs:
    """Return random frames and, for a transducer, random tokens."""
    frames = features(spec.batch_size, spec.input_size, spec.features)
    if spec.head != "transducer":
        return Inputs(args=(frames,))
    return Inputs(args=(frames, tokens(spec.batch_size, spec.target_len, words=spec.classes)))


FAMILY = Family(
    name="conformer",
    summary="Conformer: attention and depthwise convolution over frames, with CTC or a transducer",
    spec=ConformerSpec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.conformer.network:Conformer",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.conformer.saved_activations:saved_activations",
    cache="archscope.families.conformer.cache:cache",
)
