"""What decoding with a DeepSeek network keeps: one small vector for each token. No torch."""

from __future__ import annotations

from dataclasses import replace

from archscope.families.deepseek.spec import DeepSeekSpec, blocks
from archscope.families.deepseek.weights import weights
from archscope.theory.cache import Cache, LayerCache, without_products
from archscope.theory.census import Counted


def cache(spec: DeepSeekSpec) -> Cache:
    """Return the latent vectors of all blocks.

    In a step the projections up from them are put into the queries and behind the values, so that
    each head meets the vectors themselves (DeepSeek-V2, section 2.1.2).
    """
    symbols = {
        "h": spec.heads,
        "c": spec.kv_rank,
        "r": spec.rope_dim,
        "n": spec.nope_dim,
        "v": spec.value_dim,
    }

    def step(batch: int) -> tuple[Counted, ...]:
        return tuple(
            without_products(weights(replace(spec, seq_len=1, batch_size=batch)).census.layers)
        )

    return Cache(
        layers=tuple(
            LayerCache(
                path=f"{block.path}.attn",
                kind="latent",
                position="c + r",
                expanded="h*(n + r) + h*v",
                symbols=symbols,
                vectors=1,
                macs="h*(2*c + r)",
                reference="DeepSeek-AI 2024, DeepSeek-V2, table 1",
            )
            for block in blocks(spec)
        ),
        context=spec.seq_len,
        batch=spec.batch_size,
        step=step,
        of_length=lambda length: replace(spec, seq_len=length),
    )
