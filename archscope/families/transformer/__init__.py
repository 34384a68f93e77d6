"""Transformers: encoders, decoders and both together, dense or with a mixture of experts."""

from __future__ import annotations

from archscope.blocks.examples import features, tokens
from archscope.families import Family
from archscope.families.transformer.census import census
from archscope.families.transformer.describe import describe
from archscope.families.transformer.outline import outline
from archscope.families.transformer.spec import TransformerSpec, blocks
from archscope.subject import Inputs


def inputs(spec: TransformerSpec) -> Inputs:
    """Return random tokens, or features where there is no vocabulary."""
    lengths = (spec.seq_len, spec.target_length)[: len(spec.stacks)]
    if spec.vocab_size:
        args = tuple(tokens(spec.batch_size, n, words=spec.vocab_size) for n in lengths)
    else:
        args = tuple(features(spec.batch_size, n, spec.d_model) for n in lengths)
    if not spec.token_types:
        return Inputs(args=args)
    types = tokens(spec.batch_size, spec.seq_len, words=spec.token_types)
    return Inputs(args=args, kwargs={"token_types": types})


FAMILY = Family(
    name="transformer",
    summary="encoders, decoders, encoder-decoders: attention or dilated convolution, experts",
    spec=TransformerSpec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.transformer.network:build",
    blocks=blocks,
    outline=outline,
    census=census,
    cache="archscope.families.transformer.cache:cache",
    weights="archscope.families.transformer.weights:weights",
    saved_activations="archscope.families.transformer.saved_activations:saved_activations",
    space="archscope.families.transformer.space:SPACE",
)
