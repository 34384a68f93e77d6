"""T5 and Switch: encoder-decoders with relative biases, dense or with one expert per token."""

from __future__ import annotations

from archscope.blocks.examples import tokens
from archscope.families import Family
from archscope.families.t5.census import census
from archscope.families.t5.outline import outline
from archscope.families.t5.spec import T5Spec, blocks, describe
from archscope.subject import Inputs


def inputs(spec: T5Spec) -> Inputs:
    """Return a random source and target."""
    lengths = (spec.seq_len, spec.target_len)
    return Inputs(args=tuple(tokens(spec.batch_size, n, words=spec.vocab_size) for n in lengths))


FAMILY = Family(
    name="t5",
    summary="T5 and Switch: encoder-decoders with relative position biases, dense or with experts",
    spec=T5Spec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.t5.network:T5",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.t5.saved_activations:saved_activations",
    cache="archscope.families.t5.cache:cache",
    weights="archscope.families.t5.weights:weights",
)
