"""The layers of a Whisper in closed form. No torch."""

from __future__ import annotations

from collections.abc import Iterator

import archscope.blocks.counts as counted
from archscope.blocks.counts import convolution, embedding, feed_forward, linear, norm
from archscope.families.whisper.spec import WhisperSpec
from archscope.theory.census import Census, Counted, repeated


def census(spec: WhisperSpec) -> Census:
    """Return what is counted of the encoder, the decoder and the scores."""
    return Census(layers=(*_encoder(spec), *decoded(spec, memory=spec.frames)))


def _encoder(spec: WhisperSpec) -> Iterator[Counted]:
    batch, width, taps, frames = spec.batch_size, spec.d_model, (spec.kernel_size,), spec.frames
    yield convolution(batch * spec.input_size, spec.mel_bins, width, taps, bias=True)
    yield convolution(batch * frames, width, width, taps, bias=True)
    yield embedding(frames, spec.source_positions, width, trained=False)
    yield from repeated(_block(spec, frames), times=spec.depth, copies=spec.depth)
    yield norm(batch * frames, width)


def decoded(spec: WhisperSpec, *, memory: int) -> Iterator[Counted]:
    """Yield what the text runs through, of so many positions of the encoder."""
    tokens, width, depth = spec.target_len, spec.d_model, spec.decoder_blocks
    rows = spec.batch_size * tokens
    yield embedding(rows, spec.vocab_size, width)
    yield embedding(tokens, spec.target_positions, width)
    yield from repeated(_block(spec, tokens, memory), times=depth, copies=depth)
    yield norm(rows, width)
    yield linear(rows, width, spec.vocab_size, bias=False, tied=True)


def _block(spec: WhisperSpec, tokens: int, memory: int | None = None) -> Iterator[Counted]:
    rows, width = spec.batch_size * tokens, spec.d_model
    yield norm(rows, width)
    yield from _attention(spec, tokens, tokens)
    if memory is not None:
        yield norm(rows, width)
        yield from _attention(spec, tokens, memory)
    yield norm(rows, width)
    yield from feed_forward(rows, width, spec.d_ff, activation="gelu", bias=True)


def _attention(spec: WhisperSpec, queries: int, keys: int) -> Iterator[Counted]:
    """Yield attention whose keys have no bias, which moves all scores of a query alike."""
    return counted.attention_to(
        spec.batch_size, queries, keys, spec.d_model, spec.heads, key_bias=False
    )
