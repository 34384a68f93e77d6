"""What decoding with a Transformer-XL keeps: what its blocks read before. No torch."""

from __future__ import annotations

from dataclasses import replace

from archscope.families.transformer_xl.spec import TransformerXlSpec, blocks
from archscope.families.transformer_xl.weights import weights
from archscope.theory.cache import Cache, LayerCache, without_products
from archscope.theory.census import Counted


def cache(spec: TransformerXlSpec) -> Cache:
    """Return the memory of all blocks: vectors that keys and values are made of anew each time.

    Without a memory it keeps those of its own segment, which begins afresh when it is full.
    """

    def step(batch: int) -> tuple[Counted, ...]:
        one = replace(spec, seq_len=1, batch_size=batch)
        return tuple(without_products(weights(one).census.layers))

    last = spec.memory or spec.seq_len
    return Cache(
        layers=tuple(
            LayerCache(
                path=f"{block.path}.attn",
                kind="segment memory",
                position="m",
                symbols={"m": spec.d_model, "h": spec.heads, "d": spec.head_width},
                vectors=1,
                last=last,
                macs="3*h*d",
                reference="Dai et al. 2019, section 3.2",
            )
            for block in blocks(spec)
        ),
        context=spec.seq_len,
        batch=spec.batch_size,
        step=step,
        of_length=lambda length: replace(spec, seq_len=length),
    )
