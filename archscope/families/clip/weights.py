"""The weights of a CLIP in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks import counted, divided
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
    patches = counted.convolution(batch * spec.patches, 3, width, side, bias=False)
    first = (
        divided.whole("patches", patches, trained_input=False),
        divided.whole("class token", counted.embedding(1, 1, width)),
        divided.whole("positions", counted.embedding(tokens, tokens, width)),
        divided.norm("first norm", rows, width),
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
        divided.norm("last norm of images", batch, spec.d_model),
        divided.linear(
            "projection of images", batch, spec.d_model, spec.projection_dim, bias=False
        ),
        divided.embedding("table of tokens", rows, spec.vocab_size, width),
        divided.whole("positions", counted.embedding(tokens, spec.max_positions, width)),
    )
    out = rows * width + answer
    yield Part(path="text embeddings", layers=between, out=out)
    block = _block(batch, tokens, width, spec.text_heads, spec.text_d_ff)
    yield from [Part(path="blocks.0", layers=block, block=True, out=out)] * spec.text_depth
    form = comparison(batch=batch, width=spec.projection_dim)
    compared = Counted(kind=FUNCTIONS, form=form, outputs=batch**2)
    last = (
        divided.norm("last norm", rows, width),
        divided.linear("projection", batch, width, spec.projection_dim, bias=False),
        divided.own("temperature", 1),
        divided.whole("comparison", compared, tensors=0),
    )
    yield Part(path="comparison", layers=last)


def _block(batch: int, tokens: int, width: int, heads: int, d_ff: int | None) -> tuple[Layer, ...]:
    hidden = d_ff or 4 * width
    return tuple(divided.vision_block(batch, tokens, width, heads=heads, hidden=hidden))
