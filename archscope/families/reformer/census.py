"""The layers of a Reformer in closed form, from the plan of its blocks. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from archscope.blocks.counted import embedding, feed_forward, linear, norm
from archscope.families.reformer.spec import HASHED, ReformerSpec, blocks
from archscope.theory.census import ATTENTION, Census, Counted, repeated
from archscope.theory.mixing_counts import chunks, hashing


def census(spec: ReformerSpec) -> Census:
    """Return what is counted of the tables, the blocks and the scores."""
    return Census(layers=tuple(_layers(spec)))


def _layers(spec: ReformerSpec) -> Iterator[Counted]:
    tokens, width = spec.padded_length, spec.d_model
    rows = spec.batch_size * tokens
    yield embedding(rows, spec.vocab_size, width)
    for places, features in zip(spec.axial_shape, spec.axial_dims, strict=True):
        yield embedding(tokens, places, features)
    for kind, count in Counter(block.kind for block in blocks(spec)).items():
        block = _block(spec, rows, hashed=kind == HASHED)
        yield from repeated(block, times=count, copies=count)
    yield norm(rows, 2 * width)
    yield linear(rows, 2 * width, spec.vocab_size, bias=True)


def _block(spec: ReformerSpec, rows: int, *, hashed: bool) -> Iterator[Counted]:
    width, inner = spec.d_model, spec.heads * spec.head_dim
    yield norm(rows, width)
    made = 2 if hashed else 3  # hashed keys are queries
    yield from repeated([linear(rows, width, inner, bias=False)], times=made, copies=made)
    yield from products(spec, hashed=hashed)
    yield linear(rows, inner, width, bias=False)
    yield norm(rows, width)
    yield from feed_forward(rows, width, spec.d_ff, activation="relu", bias=True)


def products(spec: ReformerSpec, *, hashed: bool) -> Iterator[Counted]:
    """Yield attention within chunks, of what a hash sorts where there is more than one."""
    length, size = spec.padded_length, spec.lsh_chunk if hashed else spec.local_chunk
    batch, heads, width = spec.batch_size, spec.heads, spec.head_dim
    if hashed and length > size:
        directions = sum(spec.buckets) // 2
        form = hashing(
            batch=batch, heads=heads, hashes=spec.hashes, length=length, width=width,
            directions=directions,
        )  # fmt: skip
        outputs = batch * heads * spec.hashes * length * directions
        yield Counted(kind=ATTENTION, form=form, outputs=outputs)
        length *= spec.hashes
    form = chunks(batch=batch, heads=heads, length=length, size=size, width=width)
    yield Counted(kind=ATTENTION, form=form, outputs=batch * heads * length * width)
