"""The weights of a Whisper in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks import counts, shards
from archscope.families.whisper.spec import WhisperSpec
from archscope.theory.stages import Layer, Part, Stages

_TABLE = "table of tokens"


def weights(spec: WhisperSpec) -> Stages:
    """Return the encoder of sound, the decoder of text and the scores."""
    batch, width, frames, tokens = spec.batch_size, spec.d_model, spec.frames, spec.target_len
    sound, text = batch * frames, batch * tokens
    encoder = Part(
        path="encoder.blocks.0",
        layers=tuple(_block(spec, frames)),
        block=True,
        out=sound * width,
    )
    decoder = Part(
        path="decoder.blocks.0",
        layers=tuple(_block(spec, tokens, frames)),
        block=True,
        out=(sound + text) * width,
    )
    positions = counts.embedding(tokens, spec.target_positions, width)
    between = (
        shards.norm("last norm", sound, width),
        shards.embedding(_TABLE, text, spec.vocab_size, width, weight=_TABLE),
        shards.whole("positions", positions),
    )
    last = (
        shards.norm("last norm", text, width),
        *shards.scores("scores", text, width, spec.vocab_size, weight=_TABLE),
    )
    return Stages(
        parts=(
            Part(path="convolutions", layers=tuple(_front(spec)), out=sound * width),
            *[encoder] * spec.depth,
            Part(path="target embeddings", layers=between, out=(sound + text) * width),
            *[decoder] * spec.decoder_blocks,
            Part(path="head", layers=last),
        ),
        samples=batch,
    )


def _front(spec: WhisperSpec) -> Iterator[Layer]:
    """Yield what makes vectors of sound, which every card has."""
    batch, width, taps, frames = spec.batch_size, spec.d_model, (spec.kernel_size,), spec.frames
    first = counts.convolution(batch * spec.input_size, spec.mel_bins, width, taps, bias=True)
    second = counts.convolution(batch * frames, width, width, taps, bias=True)
    yield shards.whole("first convolution", first, tensors=2, trained_input=False)
    yield shards.whole("second convolution", second, tensors=2)
    positions = counts.embedding(frames, spec.source_positions, width, trained=False)
    yield shards.whole("positions", positions)


def _block(spec: WhisperSpec, tokens: int, memory: int = 0) -> Iterator[Layer]:
    rows, width = spec.batch_size * tokens, spec.d_model
    yield shards.norm("norm", rows, width)
    yield from _attention(spec, tokens, tokens)
    if memory:
        yield shards.norm("norm", rows, width)
        yield from _attention(spec, tokens, memory, cross=True)
    yield shards.norm("norm", rows, width)
    yield from shards.feed_forward(rows, width, spec.d_ff, activation="gelu", bias=True)


def _attention(
    spec: WhisperSpec, queries: int, keys: int, *, cross: bool = False
) -> Iterator[Layer]:
    """Yield attention whose keys have no bias."""
    head = spec.d_model // spec.heads
    products = counts.attention(
        batch=spec.batch_size,
        heads=spec.heads,
        queries=queries,
        keys=keys,
        key_width=head,
        value_width=head,
    )
    return shards.attention(
        batch=spec.batch_size,
        heads=spec.heads,
        kv_heads=spec.heads,
        queries=queries,
        keys=keys,
        width=spec.d_model,
        head_width=head,
        bias=(True, False, True),
        out_bias=True,
        products=products,
        memory=keys if cross else 0,
    )
