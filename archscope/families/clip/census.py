"""The layers of a CLIP in closed form. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counted import embedding, feed_forward, linear, norm, own, self_attention
from archscope.blocks.counted_maps import Maps, convolved
from archscope.families.clip.spec import ClipSpec
from archscope.theory.census import FUNCTIONS, Census, Counted, repeated
from archscope.theory.counts import comparison


def census(spec: ClipSpec) -> Census:
    """Return what is counted of both encoders and of the comparison."""
    return Census(layers=(*_images(spec), *_texts(spec), *_comparison(spec)))


def _images(spec: ClipSpec) -> Iterator[Counted]:
    batch, size, width, tokens = spec.batch_size, spec.patch_size, spec.d_model, 1 + spec.patches
    x = Maps(batch=batch, channels=3, sizes=(spec.input_size,) * 2)
    yield from convolved(x, width, size, stride=size, padding=0)
    yield embedding(1, 1, width)
    yield embedding(tokens, tokens, width)
    yield norm(batch * tokens, width)
    block = _block(batch, tokens, width, spec.heads, spec.d_ff)
    yield from repeated(block, times=spec.depth, copies=spec.depth)
    yield norm(batch, width)
    yield linear(batch, width, spec.projection_dim, bias=False)


def _texts(spec: ClipSpec) -> Iterator[Counted]:
    batch, tokens, width = spec.batch_size, spec.seq_len, spec.text_d_model
    yield embedding(batch * tokens, spec.vocab_size, width)
    yield embedding(tokens, spec.max_positions, width)
    block = _block(batch, tokens, width, spec.text_heads, spec.text_d_ff)
    yield from repeated(block, times=spec.text_depth, copies=spec.text_depth)
    yield norm(batch * tokens, width)
    yield linear(batch, width, spec.projection_dim, bias=False)


def _block(batch: int, tokens: int, width: int, heads: int, d_ff: int | None) -> Iterator[Counted]:
    rows = batch * tokens
    yield norm(rows, width)
    yield from self_attention(batch, tokens, width, heads)
    yield norm(rows, width)
    yield from feed_forward(rows, width, d_ff or 4 * width, activation="gelu", bias=True)


def _comparison(spec: ClipSpec) -> Iterator[Counted]:
    yield own(1)
    form = comparison(batch=spec.batch_size, width=spec.projection_dim)
    yield Counted(kind=FUNCTIONS, form=form, outputs=spec.batch_size**2)
