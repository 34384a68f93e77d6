"""wav2vec 2.0 and its relatives: convolutions over samples, then a Transformer over frames."""

from __future__ import annotations

from archscope.blocks.examples import features
from archscope.families import Family, by_weights
from archscope.families.wav2vec2.outline import outline
from archscope.families.wav2vec2.spec import Wav2Vec2Spec, blocks, describe
from archscope.subject import Inputs


def inputs(spec: Wav2Vec2Spec) -> Inputs:
    """Return one batch of random samples."""
    return Inputs(args=(features(spec.batch_size, spec.input_size),))


FAMILY = Family(
    name="wav2vec2",
    summary="wav2vec 2.0, HuBERT, XLS-R: convolutions over samples, then a Transformer over frames",
    spec=Wav2Vec2Spec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.wav2vec2.network:Wav2Vec2",
    blocks=blocks,
    outline=outline,
    census=by_weights("archscope.families.wav2vec2.weights:weights"),
    enters="data",
    weights="archscope.families.wav2vec2.weights:weights",
    saved_activations="archscope.families.wav2vec2.saved_activations:saved_activations",
)
