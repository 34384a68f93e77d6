"""The weights of a Vision Transformer in order, and how several cards divide them. No torch."""

from __future__ import annotations

from archscope.blocks import counts, shards
from archscope.families.vit.spec import VitSpec
from archscope.theory.stages import Part, Stages


def weights(spec: VitSpec) -> Stages:
    """Return patches and positions, the blocks and the classifier."""
    batch, width, tokens = spec.batch_size, spec.d_model, 1 + spec.patches
    rows, side = batch * tokens, (spec.patch_size,) * 2
    patches = counts.convolution(batch * spec.patches, spec.in_channels, width, side, bias=True)
    first = (
        shards.whole("patches", patches, tensors=2, trained_input=False),
        shards.whole("class token", counts.embedding(1, 1, width)),
        shards.whole("positions", counts.embedding(tokens, tokens, width)),
    )
    block = Part(
        path="blocks.0",
        layers=tuple(shards.vision_block(batch, tokens, width, heads=spec.heads, hidden=spec.d_ff)),
        block=True,
        out=rows * width,
    )
    last = (
        shards.norm("last norm", rows, width),
        shards.linear("classifier", batch, width, spec.classes, bias=True),
    )
    return Stages(
        parts=(
            Part(path="patches", layers=first, out=rows * width),
            *[block] * spec.depth,
            Part(path="head", layers=last),
        ),
        samples=batch,
    )
