"""The layers of a Vision Transformer in closed form. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counted import embedding, feed_forward, linear, norm, self_attention
from archscope.blocks.counted_maps import convolved, images
from archscope.families.vit.spec import VitSpec
from archscope.theory.census import Census, Counted, repeated


def census(spec: VitSpec) -> Census:
    """Return what is counted of the patches, the blocks and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: VitSpec) -> Iterator[Counted]:
    size, width, tokens = spec.patch_size, spec.d_model, 1 + spec.patches
    rows = spec.batch_size * tokens
    yield from convolved(images(spec), width, size, stride=size, padding=0, bias=True)
    yield embedding(1, 1, width)
    yield embedding(tokens, tokens, width)
    yield from repeated(_block(spec, tokens), times=spec.depth, copies=spec.depth)
    yield norm(rows, width)
    yield linear(spec.batch_size, width, spec.classes, bias=True)


def _block(spec: VitSpec, tokens: int) -> Iterator[Counted]:
    rows, width = spec.batch_size * tokens, spec.d_model
    yield norm(rows, width)
    yield from self_attention(spec.batch_size, tokens, width, spec.heads)
    yield norm(rows, width)
    yield from feed_forward(rows, width, spec.d_ff, activation="gelu", bias=True)
