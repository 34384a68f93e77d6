"""The weights of a Reformer in order, and how several cards divide them. No torch."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.blocks import counts, shards
from archscope.families.reformer.spec import HASHED, ReformerSpec, blocks
from archscope.theory.census import ATTENTION, Counted
from archscope.theory.mixing_counts import chunks, hashing
from archscope.theory.stages import Layer, Part, Stages


def weights(spec: ReformerSpec) -> Stages:
    """Return the tables, the blocks, the last norm and the scores."""
    tokens, width = spec.padded_length, spec.d_model
    rows = spec.batch_size * tokens
    places = zip(spec.axial_shape, spec.axial_dims, strict=True)
    first = (
        shards.embedding("table of tokens", rows, spec.vocab_size, width),
        *(shards.whole("positions", counts.embedding(tokens, n, d)) for n, d in places),
    )
    kinds: dict[str, Part] = {}
    for block in blocks(spec):
        if block.kind not in kinds:
            layers = tuple(_block(spec, rows, hashed=block.kind == HASHED))
            kinds[block.kind] = Part(
                path=block.path, layers=layers, block=True, out=2 * rows * width
            )
    last = (
        shards.norm("last norm", rows, 2 * width),
        *shards.scores("scores", rows, 2 * width, spec.vocab_size, bias=True),
    )
    return Stages(
        parts=(
            Part(path="embeddings", layers=first, out=2 * rows * width),
            *(kinds[block.kind] for block in blocks(spec)),
            Part(path="head", layers=last),
        ),
        samples=spec.batch_size,
        tokens=spec.batch_size * spec.seq_len,
    )


def _block(spec: ReformerSpec, rows: int, *, hashed: bool) -> Iterator[Layer]:
    width, heads, inner = spec.d_model, spec.heads, spec.heads * spec.head_dim
    yield shards.norm("norm", rows, width)
    names = ("query and key", "value") if hashed else ("query", "key", "value")
    for name in names:
        yield shards.columns(name, rows, width, inner, bias=False, units=heads, reads="attention")
    *hashes, met = _products(spec, hashed=hashed)
    for each in hashes:  # no gradient goes through the choice of a bucket
        hashing = shards.product(each, heads=heads)
        yield Layer(name="hashes", counted=each, division=hashing.division, tensors=0, backward=0)
    yield shards.product(met, heads=heads)
    yield shards.rows("projection back", rows, inner, width, bias=False, units=heads)
    yield shards.norm("norm", rows, width)
    yield from shards.feed_forward(rows, width, spec.d_ff, activation="relu", bias=True)


def _products(spec: ReformerSpec, *, hashed: bool) -> Iterator[Counted]:
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
