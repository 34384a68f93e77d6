"""The layers of a Swin Transformer in closed form, from its plan. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks.counted import attention, feed_forward, linear, norm, own
from archscope.blocks.counted_maps import convolved, images
from archscope.blocks.plan import lists
from archscope.families.swin.spec import Block, SwinSpec, blocks
from archscope.theory.census import Census, Counted, repeated


def census(spec: SwinSpec) -> Census:
    """Return what is counted of the patches, the stages and the classifier."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: SwinSpec) -> Iterator[Counted]:
    patch, batch = spec.patch_size, spec.batch_size
    x = yield from convolved(images(spec), spec.d_model, patch, stride=patch, padding=0, bias=True)
    (size, _), width = x.sizes, spec.d_model
    yield norm(batch * size**2, width)
    for number, stage in enumerate(lists(blocks(spec)).values()):
        if number:
            size = -(-size // 2)
            yield norm(batch * size**2, 4 * width)
            yield linear(batch * size**2, 4 * width, 2 * width, bias=False)
            width *= 2
        count = len(stage)
        yield from repeated(_block(spec, stage[0], size), times=count, copies=count)
    yield norm(batch * size**2, width)
    yield linear(batch, width, spec.classes, bias=True)


def _block(spec: SwinSpec, block: Block, size: int) -> Iterator[Counted]:
    """Yield attention within windows, of a map that is padded to whole ones, and a feed-forward."""
    rows, width, side = spec.batch_size * size**2, block.width, spec.window
    windows = spec.batch_size * (-(-size // side)) ** 2
    yield norm(rows, width)
    yield linear(windows * side**2, width, 3 * width, bias=True)
    yield own((2 * side - 1) ** 2 * block.heads)
    head = width // block.heads
    yield attention(
        batch=windows,
        heads=block.heads,
        queries=side**2,
        keys=side**2,
        key_width=head,
        value_width=head,
    )
    yield linear(windows * side**2, width, width, bias=True)
    yield norm(rows, width)
    yield from feed_forward(rows, width, spec.ff_ratio * width, activation="gelu", bias=True)
