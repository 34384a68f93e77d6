"""The weights of a Swin Transformer in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks import counts, shards
from archscope.blocks.map_counts import images
from archscope.blocks.plan import lists
from archscope.families.swin.spec import Block, SwinSpec, blocks
from archscope.theory.stages import Layer, Part, Stages


def weights(spec: SwinSpec) -> Stages:
    """Return patches, the stages with what stands between them, and the classifier."""
    return Stages(parts=tuple(_parts(spec)), samples=spec.batch_size)


def _parts(spec: SwinSpec) -> Iterator[Part]:
    patch, batch, width = spec.patch_size, spec.batch_size, spec.d_model
    x = images(spec)
    size = x.sizes[0] // patch
    patches = counts.convolution(batch * size**2, x.channels, width, (patch,) * 2, bias=True)
    first = (
        shards.whole("patches", patches, tensors=2, trained_input=False),
        shards.norm("norm", batch * size**2, width),
    )
    yield Part(path="patches", layers=first, out=batch * size**2 * width)
    for number, stage in enumerate(lists(blocks(spec)).values()):
        if number:
            size = -(-size // 2)
            rows = batch * size**2
            merged = (
                shards.norm("norm", rows, 4 * width),
                shards.linear("merged", rows, 4 * width, 2 * width, bias=False),
            )
            width *= 2
            yield Part(path=f"merging {number}", layers=merged, out=rows * width)
        layers, out = tuple(_block(spec, stage[0], size)), batch * size**2 * width
        yield from [Part(path=stage[0].path, layers=layers, block=True, out=out)] * len(stage)
    last = (
        shards.norm("last norm", batch * size**2, width),
        shards.linear("classifier", batch, width, spec.classes, bias=True),
    )
    yield Part(path="head", layers=last)


def _block(spec: SwinSpec, block: Block, size: int) -> Iterator[Layer]:
    """Yield attention within windows, of a map that is padded to whole ones, and a feed-forward."""
    rows, width, side = spec.batch_size * size**2, block.width, spec.window
    windows = spec.batch_size * (-(-size // side)) ** 2
    met, head = windows * side**2, width // block.heads
    yield shards.norm("norm", rows, width)
    yield shards.columns(
        "query, key and value", met, width, 3 * width, bias=True, units=block.heads,
        reads="attention",
    )  # fmt: skip
    yield shards.own("relative bias", (2 * side - 1) ** 2 * block.heads, units=block.heads)
    products = counts.attention(
        batch=windows,
        heads=block.heads,
        queries=side**2,
        keys=side**2,
        key_width=head,
        value_width=head,
    )
    yield shards.product(products, heads=block.heads)
    yield shards.rows("projection back", met, width, width, bias=True, units=block.heads)
    yield shards.norm("norm", rows, width)
    hidden = spec.ff_ratio * width
    yield from shards.feed_forward(rows, width, hidden, activation="gelu", bias=True)
