"""Transformer-XL: decoders with relative attention and a memory of what they read before."""

from __future__ import annotations

from archscope.blocks.examples import features, tokens
from archscope.families import Family, by_weights
from archscope.families.transformer_xl.outline import outline
from archscope.families.transformer_xl.spec import TransformerXlSpec, blocks, describe
from archscope.subject import Inputs


def inputs(spec: TransformerXlSpec) -> Inputs:
    """Return a segment of random features or tokens, and a random memory."""
    shape = (spec.batch_size, spec.seq_len)
    x = tokens(*shape, words=spec.vocab_size) if spec.scores else features(*shape, spec.d_model)
    if not spec.memory:
        return Inputs(args=(x,))
    memory = features(spec.depth, spec.batch_size, spec.memory, spec.d_model)
    return Inputs(args=(x,), kwargs={"memory": memory})


FAMILY = Family(
    name="transformer-xl",
    summary="Transformer-XL: relative attention with a memory, adaptive embeddings",
    spec=TransformerXlSpec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.transformer_xl.network:TransformerXl",
    blocks=blocks,
    outline=outline,
    census=by_weights("archscope.families.transformer_xl.weights:weights"),
    saved_activations="archscope.families.transformer_xl.saved_activations:saved_activations",
    weights="archscope.families.transformer_xl.weights:weights",
    cache="archscope.families.transformer_xl.cache:cache",
)
