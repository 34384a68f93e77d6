"""What decoding with a Reformer keeps: keys and values within reach, or of all. No torch."""

from __future__ import annotations

from dataclasses import replace

from archscope.families.reformer.spec import HASHED, ReformerSpec, blocks
from archscope.families.reformer.weights import weights
from archscope.theory.cache import Cache, Kind, LayerCache, keys_and_values, without_products
from archscope.theory.census import Counted


def cache(spec: ReformerSpec) -> Cache:
    """Return what the blocks keep: any earlier token may fall in the bucket of a later one."""

    def step(batch: int) -> tuple[Counted, ...]:
        one = replace(spec, seq_len=1, batch_size=batch)
        return tuple(without_products(weights(one).census.layers))

    return Cache(
        layers=tuple(
            _hashed(spec, f"{block.path}.attn")
            if block.kind == HASHED
            else _local(spec, f"{block.path}.attn")
            for block in blocks(spec)
        ),
        context=spec.seq_len,
        batch=spec.batch_size,
        step=step,
        of_length=lambda length: replace(spec, seq_len=length),
        most=spec.axial_shape[0] * spec.axial_shape[1],
    )


def _local(spec: ReformerSpec, path: str) -> LayerCache:
    plain = keys_and_values(path, heads=spec.heads, asking=spec.heads, key=spec.head_dim)
    source = "Kitaev et al. 2020, section 2"
    kind: Kind = "chunk and the one before"
    return replace(plain, kind=kind, chunk=spec.local_chunk, before=1, reference=source)


def _hashed(spec: ReformerSpec, path: str) -> LayerCache:
    """Return queries, which are the keys too, and values; a step meets those of two chunks."""
    plain = keys_and_values(path, heads=spec.heads, asking=spec.heads, key=spec.head_dim)
    met = {**plain.symbols, "t": spec.lsh_chunk, "a": spec.hashes}
    return replace(
        plain,
        kind="hashed attention",
        symbols=met,
        macs="",
        state_macs="2*h*d*2*t*a",
        reference="Kitaev et al. 2020, section 2",
    )
