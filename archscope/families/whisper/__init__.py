"""Whisper: an encoder of spectrograms and a decoder of text."""

from __future__ import annotations

from archscope.blocks.examples import features, tokens
from archscope.families import Family
from archscope.families.whisper.census import census
from archscope.families.whisper.outline import outline
from archscope.families.whisper.spec import WhisperSpec, blocks, describe
from archscope.subject import Inputs


def inputs(spec: WhisperSpec) -> Inputs:
    """Return a random spectrogram and random tokens."""
    spectrogram = features(spec.batch_size, spec.mel_bins, spec.input_size)
    return Inputs(
        args=(spectrogram, tokens(spec.batch_size, spec.target_len, words=spec.vocab_size))
    )


FAMILY = Family(
    name="whisper",
    summary="Whisper: two convolutions and an encoder over a spectrogram, and a text decoder",
    spec=WhisperSpec,
    describe=describe,
    inputs=inputs,
    module="archscope.families.whisper.network:Whisper",
    blocks=blocks,
    outline=outline,
    census=census,
    saved_activations="archscope.families.whisper.saved_activations:saved_activations",
    cache="archscope.families.whisper.cache:cache",
    weights="archscope.families.whisper.weights:weights",
)
