"""The weights of a CLIP in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks import counts, shards
from archscope.families.clip.spec import ClipSpec
from archscope.theory.census import FUNCTIONS, Counted
from archscope.theory.counts import comparison
from archscope.theory.stages import Layer, Part, Stages


def weights(spec: ClipSpec) -> Stages:
    """Return the encoder of images, that of texts, and the comparison."""
    return Stages(parts=(*_images(spec), *_texts(spec)), samples=spec.batch_size)


def _images(spec: ClipSpec) -> Iterator[Part]:
    batch, width, tokens = spec.batch_size, spec.d_model, 1 + spec.patches
    rows, side = batch * tokens, (spec.patch_size,) * 2
    patches = counts.convolution(batch * spec.patches, 3, width, side, bias=False)
    first = (
        shards.whole("patches", patches, trained_input=False),
        shards.whole("class token", counts.embedding(1, 1, width)),
        shards.whole("positions", counts.embedding(tokens, tokens, width)),
        shards.norm("first norm", rows, width),
    )
    yield Part(path="patches", layers=first, out=rows * width)
    block = _block(batch, tokens, width, spec.heads, spec.d_ff)
    yield from [
        Part(path="visual.blocks.0", layers=block, block=True, out=rows * width)
    ] * spec.depth


def _texts(spec: ClipSpec) -> Iterator[Part]:
    """Yield the tables of texts, behind the head of images, and their blocks, and what compares."""
    batch, tokens, width = spec.batch_size, spec.seq_len, spec.text_d_model
    rows, answer = batch * tokens, batch * spec.projection_dim
    between = (
        shards.norm("last norm of images", batch, spec.d_model),
        shards.linear("projection of images", batch, spec.d_model, spec.projection_dim, bias=False),
        shards.embedding("table of tokens", rows, spec.vocab_size, width),
        shards.whole("positions", counts.embedding(tokens, spec.max_positions, width)),
    )
    out = rows * width + answer
    yield Part(path="text embeddings", layers=between, out=out)
    block = _block(batch, tokens, width, spec.text_heads, spec.text_d_ff)
    yield from [Part(path="blocks.0", layers=block, block=True, out=out)] * spec.text_depth
    form = comparison(batch=batch, width=spec.projection_dim)
    compared = Counted(kind=FUNCTIONS, form=form, outputs=batch**2)
    last = (
        shards.norm("last norm", rows, width),
        shards.linear("projection", batch, width, spec.projection_dim, bias=False),
        shards.own("temperature", 1),
        shards.whole("comparison", compared, tensors=0),
    )
    yield Part(path="comparison", layers=last)


def _block(batch: int, tokens: int, width: int, heads: int, d_ff: int | None) -> tuple[Layer, ...]:
    hidden = d_ff or 4 * width
    return tuple(shards.vision_block(batch, tokens, width, heads=heads, hidden=hidden))
