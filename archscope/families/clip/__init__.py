"""CLIP: one encoder for images and one for texts, into one space."""

from __future__ import annotations

from archscope.blocks.examples import features, tokens
from archscope.families import Family, by_weights
from archscope.families.clip.outline import outline
from archscope.families.clip.spec import ClipSpec, blocks, describe
from archscope.subject import Inputs


def inputs(spec: ClipSpec) -> Inputs:
    """Return as many random images as texts."""
    size = spec.input_size
    return Inputs(
        args=(
            features(spec.batch_size, 3, size, size),
            tokens(spec.batch_size, spec.seq_len, words=spec.vocab_size),
        )
    )


FAMILY = Family(
    name="clip",
    summary="CLIP: a Vision Transformer and a text Transformer that embed into one space",
    spec=ClipSpec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.clip.network:Clip",
    blocks=blocks,
    outline=outline,
    census=by_weights("archscope.families.clip.weights:weights"),
    enters="data",
    weights="archscope.families.clip.weights:weights",
    saved_activations="archscope.families.clip.saved_activations:saved_activations",
)
